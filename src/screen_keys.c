/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A table of the sequences that mean something here; the others only have to end in time.
 */
#include "screen_keys.h"

#include <stddef.h>

#define ESC	    0x1b
#define FIRST_FINAL 0x40 /* of the bytes that end a sequence */
#define LAST_FINAL  0x7e

static const struct {
	unsigned char final, parameter;
	int key;
} sequences[] = {
	{'A', 0, SCREEN_KEY_PREVIOUS},	 /* up */
	{'B', 0, SCREEN_KEY_NEXT},	 /* down */
	{'C', 0, SCREEN_KEY_NEXT},	 /* right */
	{'D', 0, SCREEN_KEY_PREVIOUS},	 /* left */
	{'Z', 0, SCREEN_KEY_PREVIOUS},	 /* Shift-Tab */
	{'~', '5', SCREEN_KEY_PREVIOUS}, /* Page Up */
	{'~', '6', SCREEN_KEY_NEXT},	 /* Page Down */
};

static int key_of_sequence(unsigned char final, unsigned char parameter)
{
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
		if (sequences[i].final == final && sequences[i].parameter == parameter)
			return sequences[i].key;
	return SCREEN_KEY_OTHER;
}

static int take_plain(struct screen_keys *keys, unsigned char byte)
{
	if (byte == ESC) {
		keys->state = SCREEN_KEYS_ESCAPED;
		return SCREEN_KEY_NONE;
	}
	return byte == '\t' ? SCREEN_KEY_NEXT : byte;
}

static int take_escaped(struct screen_keys *keys, unsigned char byte)
{
	if (byte == ESC)
		return SCREEN_KEY_NONE;
	if (byte == '[' || byte == 'O') {
		*keys = (struct screen_keys){.state = SCREEN_KEYS_SEQUENCE};
		return SCREEN_KEY_NONE;
	}
	/* A character with Alt. */
	keys->state = SCREEN_KEYS_PLAIN;
	return SCREEN_KEY_OTHER;
}

static int take_sequence(struct screen_keys *keys, unsigned char byte)
{
	if (byte == ESC) {
		keys->state = SCREEN_KEYS_ESCAPED;
		return SCREEN_KEY_NONE;
	}
	if (byte >= FIRST_FINAL && byte <= LAST_FINAL) {
		keys->state = SCREEN_KEYS_PLAIN;
		return key_of_sequence(byte, keys->parameter);
	}
	if (!keys->parameter)
		keys->parameter = byte;
	return SCREEN_KEY_NONE;
}

int screen_keys_take(struct screen_keys *keys, unsigned char byte)
{
	switch (keys->state) {
	case SCREEN_KEYS_ESCAPED:
		return take_escaped(keys, byte);
	case SCREEN_KEYS_SEQUENCE:
		return take_sequence(keys, byte);
	case SCREEN_KEYS_PLAIN:
		break;
	}
	return take_plain(keys, byte);
}

void screen_keys_drained(struct screen_keys *keys)
{
	if (keys->state == SCREEN_KEYS_ESCAPED)
		keys->state = SCREEN_KEYS_PLAIN;
}
