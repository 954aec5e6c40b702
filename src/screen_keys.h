/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From the bytes that a terminal sends to keys. Keys without a character send several bytes, in
 * which letters occur: F2 sends "\033OQ", which is no Q.
 *
 * Source: ECMA-48, 5.4 (control sequences), and xterm's "Function Keys".
 */
#ifndef COLO_PERF_SCREEN_KEYS_H
#define COLO_PERF_SCREEN_KEYS_H

/* What is not a character, which is itself. */
enum screen_key {
	SCREEN_KEY_NONE = -1,	   /* no key is complete yet */
	SCREEN_KEY_NEXT = 256,	   /* Tab, down, right, Page Down */
	SCREEN_KEY_PREVIOUS = 257, /* Shift-Tab, up, left, Page Up */
	SCREEN_KEY_OTHER = 258,
};

enum screen_keys_state {
	SCREEN_KEYS_PLAIN,    /* the next byte is a key */
	SCREEN_KEYS_ESCAPED,  /* behind ESC */
	SCREEN_KEYS_SEQUENCE, /* behind ESC [ or ESC O, until a final byte */
};

/* All zeros in the beginning. */
struct screen_keys {
	enum screen_keys_state state;
	unsigned char parameter; /* first one of the sequence; 0: none yet */
};

/* The key that this byte completes. */
int screen_keys_take(struct screen_keys *keys, unsigned char byte);

/* No byte is waiting: an ESC that came last was the key of that name. */
void screen_keys_drained(struct screen_keys *keys);

#endif
