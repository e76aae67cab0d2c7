/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * Unmaps from memory what only the loader and the start have read: symbol tables and code of thirty
 * libraries, two thirds of what the process would keep resident for good. Pages that are used again
 * come back from the page cache one by one. Safe while other threads run.
 */
void plimsoll_slim(void);
