/* SPDX-License-Identifier: Apache-2.0 */
/** The browser of whoever sits before the terminal. */
#pragma once

/**
 * Opens `url` in it and does not wait for it. Without a terminal on standard output, without a
 * display or without the program that opens things nothing happens: the address is printed anyway.
 */
void plimsoll_browser_open(const char *url);
