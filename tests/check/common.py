# SPDX-License-Identifier: Apache-2.0
"""What the checks share: the tools they need, the files they look at, and how they end."""
import pathlib
import shutil
import subprocess
import sys

C_FOLDERS = ("include", "src", "cmd", "tests")


def tool(program, package):
    """The tool's path; a check whose tool is missing has failed, not passed."""
    found = shutil.which(program)
    if found is None:
        sys.exit(f"{program} is missing; Debian has it in the package {package}")
    return found


def c_files(root, folders=C_FOLDERS, suffixes=(".c", ".h")):
    return sorted(path for folder in folders for path in (pathlib.Path(root) / folder).rglob("*")
                  if path.suffix in suffixes)


def tree_files(root):
    """Every file that is committed or could be: what git does not ignore."""
    git = tool("git", "git")
    listed = subprocess.run([git, "-c", f"safe.directory={root}", "-C", root, "ls-files", "-z",
                             "--cached", "--others", "--exclude-standard"],
                            check=True, capture_output=True, text=True).stdout
    paths = (pathlib.Path(root) / name for name in sorted(set(listed.split("\0"))) if name)
    return [path for path in paths if path.is_file()]


def finish(faults, count, what):
    """Ends the check; one that looked at nothing has failed."""
    if count == 0:
        faults = [*faults, f"found no {what} to check"]
    print("\n".join(faults) if faults else f"{count} {what} are good")
    sys.exit(1 if faults else 0)
