/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <plimsoll/clock.h>
#include <plimsoll/kube.h>
#include <plimsoll/simulated.h>

#include <errno.h>
#include <getopt.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>

/* Files of pods; more than anybody writes on a line. */
#define FILES_MAX 64
/* A line for each of so many pods, or an object. */
#define ANSWER_BYTES_MAX (256u * 1024 * 1024)
#define WIDTH_MIN        80u
#define WIDTH_MAX        200u
#define WIDTH_WIDE       160u

static const char help[] =
    "usage: plimsoll simulate --cluster-state FILE -f PODS.yaml [-f MORE.yaml]...\n"
    "\n"
    "Tells where pods would go: one after the other they pass the webhook, filter, prioritize and\n"
    "bind of the server itself, in a cluster as a file has it. Nothing is written anywhere.\n"
    "\n"
    "  --cluster-state FILE  what kubectl get nodes,pods,runtimeclasses -A -o json prints\n"
    "  -f FILE               YAML or JSON: Pod, Deployment, ReplicaSet, StatefulSet, Job, List;\n"
    "                        - is standard input; repeatable, in this order\n"
    "  --config FILE         the server's configuration (default: the built-in one)\n"
    "  -o table|wide|json    wide: cards that did not change, too (default table)\n"
    "\n"
    "Of kube-scheduler's own filters it checks unschedulable, taints, node selector, required\n"
    "node affinity, cpu, memory, number of pods, and the GPU resource asked for; not volumes, "
    "host\n"
    "ports, pod affinity, topology spread or other resources. Of the nodes that take a pod the\n"
    "best of Plimsoll's score is taken, then the first by name; the scheduler adds scores of its\n"
    "own. Nobody is preempted and nothing ends.\n"
    "\n"
    "exit codes\n"
    "  0  every pod fits\n"
    "  1  some pod does not\n"
    "  2  it cannot be told: a flag, a file or a manifest is wrong\n";

enum { EXIT_FITS = 0, EXIT_NOWHERE = 1, EXIT_WRONG = 2 };
enum output { OUTPUT_TABLE, OUTPUT_WIDE, OUTPUT_JSON };

struct options {
    const char *state, *config;
    const char *files[FILES_MAX];
    size_t file_count;
    enum output output;
    bool help;
};

/* What there is to tell. */
struct run {
    struct plimsoll_simulation *simulation;
    struct plimsoll_landing *landings;
    size_t count, capacity, passed_over;
    bool all_fit;
};

/* -- flags ---------------------------------------------------------------------------------------
 */

static int read_output(const char *word, enum output *output, struct plimsoll_error *err)
{
    static const char *const words[] = {"table", "wide", "json"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(word, words[i]) == 0) {
            *output = (enum output)i;
            return 0;
        }
    }
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "-o %s: want table, wide or json", word);
}

static int take_flag(int flag, struct options *options, struct plimsoll_error *err)
{
    switch (flag) {
    case 's':
        options->state = optarg;
        return 0;
    case 'c':
        options->config = optarg;
        return 0;
    case 'f':
        if (options->file_count == FILES_MAX) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "-f: at most %d files", FILES_MAX);
        }
        options->files[options->file_count++] = optarg;
        return 0;
    case 'o':
        return read_output(optarg, &options->output, err);
    case 'h':
        options->help = true;
        return 0;
    default:
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "see plimsoll simulate --help");
    }
}

static int read_flags(int argc, char **argv, struct options *options, struct plimsoll_error *err)
{
    static const struct option flags[] = {
        {"cluster-state", required_argument, NULL, 's'},
        {"config", required_argument, NULL, 'c'},
        {"filename", required_argument, NULL, 'f'},
        {"output", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    for (int flag; (flag = getopt_long(argc, argv, "f:o:h", flags, NULL)) != -1;) {
        if (take_flag(flag, options, err) < 0) {
            return -1;
        }
    }
    if (options->help) {
        return 0;
    }
    if (optind < argc) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: simulate takes flags only",
                                  argv[optind]);
    }
    if (options->state == NULL || options->file_count == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s is missing; see --help",
                                  options->state == NULL ? "--cluster-state FILE" : "-f FILE");
    }
    return 0;
}

/* -- the cluster and the pods --------------------------------------------------------------------
 */

static int add_object(void *context, enum plimsoll_kind kind, struct plimsoll_span object,
                      struct plimsoll_error *err)
{
    return plimsoll_simulation_add(context, kind, object, err);
}

static int place_pod(void *context, struct plimsoll_span pod, const char *where,
                     struct plimsoll_error *err)
{
    struct run *run = context;
    if (run->count == run->capacity) {
        run->capacity = 2 * run->capacity + 64;
        run->landings = plimsoll_realloc(run->landings, run->capacity, sizeof *run->landings);
    }
    struct plimsoll_landing *landing = &run->landings[run->count];
    if (plimsoll_simulation_place(run->simulation, pod, landing, err) < 0) {
        return plimsoll_error_wrap(err, "%s", where);
    }
    run->all_fit = run->all_fit && landing->landed == PLIMSOLL_LANDED;
    run->count++;
    return 0;
}

static int read_all(FILE *file, struct plimsoll_text *text)
{
    char chunk[16384];
    for (size_t size; (size = fread(chunk, 1, sizeof chunk, file)) > 0;) {
        plimsoll_text_add(text, chunk, size);
    }
    return ferror(file) ? -1 : 0;
}

static int read_file(const char *path, struct plimsoll_text *text, struct plimsoll_error *err)
{
    bool standard = strcmp(path, "-") == 0;
    plimsoll_autofclose FILE *opened = standard ? NULL : fopen(path, "rbe");
    FILE *file = standard ? stdin : opened;
    if (file == NULL || read_all(file, text) < 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    }
    return text->overflowed ? plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                                                 "%s: larger than %u bytes; cut it into several",
                                                 path, PLIMSOLL_MANIFEST_BYTES_MAX)
                            : 0;
}

static int place_file(struct run *run, const char *path, struct plimsoll_error *err)
{
    size_t passed_over = 0;
    plimsoll_autotext text = plimsoll_text_make(PLIMSOLL_MANIFEST_BYTES_MAX);
    if (read_file(path, &text, err) < 0 ||
        plimsoll_manifest_read(plimsoll_text_span(&text), path, place_pod, run, &passed_over, err) <
            0) {
        return -1;
    }
    run->passed_over += passed_over;
    return 0;
}

/* -- the answer ----------------------------------------------------------------------------------
 */

/* Load lines as they are now; each node's are one allocation. */
static struct plimsoll_node_load **copy_loads(struct plimsoll_cluster *cluster)
{
    plimsoll_cluster_read_begin(cluster);
    size_t count = plimsoll_cluster_node_count(cluster);
    struct plimsoll_node_load **loads = plimsoll_alloc(count + 1, sizeof *loads);
    for (size_t i = 0; i < count; i++) {
        struct plimsoll_extender_node node;
        if (plimsoll_cluster_node_at(cluster, i, &node)) {
            size_t size = sizeof *loads[i] + node.load->card_count * sizeof node.load->cards[0];
            loads[i] = plimsoll_alloc(1, size);
            memcpy(loads[i], node.load, size);
        }
    }
    plimsoll_cluster_read_end(cluster);
    return loads;
}

static void free_loads(struct plimsoll_node_load **loads)
{
    for (size_t i = 0; loads != NULL && loads[i] != NULL; i++) {
        free(loads[i]);
    }
    free(loads);
}

static struct plimsoll_view_options look(bool wide)
{
    struct plimsoll_view_options look = {.width = wide ? WIDTH_WIDE : WIDTH_MIN, .wide = wide};
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    struct winsize size;
    (void)setlocale(LC_CTYPE, "");
    if (isatty(STDOUT_FILENO) == 1) {
        look.colour = (no_colour == NULL || no_colour[0] == '\0') &&
                      (terminal == NULL || strcmp(terminal, "dumb") != 0);
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
            look.width = size.ws_col < WIDTH_MIN   ? WIDTH_MIN
                         : size.ws_col > WIDTH_MAX ? WIDTH_MAX
                                                   : size.ws_col;
        }
    }
    look.unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return look;
}

static void write_answer(const struct run *run, struct plimsoll_node_load *const *before,
                         enum output output, struct plimsoll_text *answer)
{
    struct plimsoll_cluster *cluster = plimsoll_simulation_cluster(run->simulation);
    plimsoll_cluster_read_begin(cluster);
    size_t count = plimsoll_cluster_node_count(cluster);
    plimsoll_autofree struct plimsoll_extender_node *nodes =
        plimsoll_alloc(count + 1, sizeof *nodes);
    for (size_t i = 0; i < count; i++) {
        (void)plimsoll_cluster_node_at(cluster, i, &nodes[i]);
    }
    const struct plimsoll_view_simulation simulation = {
        .landings = run->landings,
        .landing_count = run->count,
        .nodes = nodes,
        .before = (const struct plimsoll_node_load *const *)before,
        .node_count = count,
    };
    if (output == OUTPUT_JSON) {
        plimsoll_view_simulation_json(&simulation, answer);
    } else {
        struct plimsoll_view_options options = look(output == OUTPUT_WIDE);
        plimsoll_view_simulation_table(&simulation, &options, answer);
    }
    plimsoll_cluster_read_end(cluster);
}

static int print(const struct plimsoll_text *answer, struct plimsoll_error *err)
{
    if (answer->overflowed) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE, "the answer is too long");
    }
    (void)fwrite(answer->data, 1, answer->size, stdout);
    return fflush(stdout) != 0 ? plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE,
                                                    "standard output: %s", strerror(errno))
                               : 0;
}

static int place_all(struct run *run, const struct options *options, struct plimsoll_error *err)
{
    if (plimsoll_kube_read_state(options->state, add_object, run->simulation, err) < 0) {
        return -1;
    }
    plimsoll_simulation_begin(run->simulation);
    struct plimsoll_node_load **before = copy_loads(plimsoll_simulation_cluster(run->simulation));
    int result = 0;
    for (size_t i = 0; i < options->file_count && result == 0; i++) {
        result = place_file(run, options->files[i], err);
    }
    if (result == 0) {
        plimsoll_autotext answer = plimsoll_text_make(ANSWER_BYTES_MAX);
        write_answer(run, before, options->output, &answer);
        result = print(&answer, err);
    }
    free_loads(before);
    return result;
}

static int simulate(const struct options *options, struct plimsoll_error *err)
{
    struct plimsoll_config *config = NULL;
    if (options->config == NULL) {
        config = plimsoll_config_default();
    } else if (plimsoll_config_load(options->config, &config, err) < 0) {
        return EXIT_WRONG;
    }
    struct run run = {.simulation = plimsoll_simulation_new(config, plimsoll_clock_unix_ms()),
                      .all_fit = true};
    int result = place_all(&run, options, err);
    for (size_t i = 0; i < run.count; i++) {
        plimsoll_landing_clear(&run.landings[i]);
    }
    free(run.landings);
    plimsoll_simulation_free(&run.simulation);
    plimsoll_config_free(&config);
    if (result == 0 && run.passed_over > 0) {
        fprintf(stderr, "%zu object%s of other kinds passed over\n", run.passed_over,
                run.passed_over == 1 ? "" : "s");
    }
    return result < 0 ? EXIT_WRONG : run.all_fit ? EXIT_FITS : EXIT_NOWHERE;
}

int plimsoll_command_simulate(int argc, char **argv)
{
    struct options options = {.output = OUTPUT_TABLE};
    struct plimsoll_error err = {0};
    int status = EXIT_WRONG;
    if (read_flags(argc, argv, &options, &err) == 0) {
        if (options.help) {
            (void)fputs(help, stdout);
            return EXIT_FITS;
        }
        status = simulate(&options, &err);
    }
    if (status == EXIT_WRONG) {
        fprintf(stderr, "plimsoll simulate: %s\n", err.message);
    }
    return status;
}
