/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * screen_keys: the bytes of keys, whole and in pieces, and that no letter of a sequence is a key.
 */
#include "screen_keys.h"

#include <glib.h>
#include <string.h>

struct keys {
	int keys[16];
	guint n;
};

static void take(struct screen_keys *parser, struct keys *keys, const char *bytes)
{
	for (; *bytes; bytes++) {
		const int key = screen_keys_take(parser, (unsigned char)*bytes);

		if (key != SCREEN_KEY_NONE)
			keys->keys[keys->n++] = key;
	}
}

static const struct sequence {
	const char *bytes;
	int key;
} sequences[] = {
	{"q", 'q'},
	{"\377", 0xff},
	{"\t", SCREEN_KEY_NEXT},
	{"\033[A", SCREEN_KEY_PREVIOUS},
	{"\033[B", SCREEN_KEY_NEXT},
	{"\033[C", SCREEN_KEY_NEXT},
	{"\033[D", SCREEN_KEY_PREVIOUS},
	{"\033OA", SCREEN_KEY_PREVIOUS}, /* keypad in application mode */
	{"\033OB", SCREEN_KEY_NEXT},
	{"\033[Z", SCREEN_KEY_PREVIOUS},
	{"\033[5~", SCREEN_KEY_PREVIOUS},
	{"\033[6~", SCREEN_KEY_NEXT},
	{"\033OP", SCREEN_KEY_OTHER},	 /* F1: no P */
	{"\033OQ", SCREEN_KEY_OTHER},	 /* F2: no Q */
	{"\033OR", SCREEN_KEY_OTHER},	 /* F3: no R */
	{"\033OS", SCREEN_KEY_OTHER},	 /* F4: no S */
	{"\033[15~", SCREEN_KEY_OTHER},	 /* F5 */
	{"\033[1;5B", SCREEN_KEY_OTHER}, /* Ctrl-down */
	{"\033[1;2Q", SCREEN_KEY_OTHER}, /* Shift-F2 */
	{"\033[?1;2q", SCREEN_KEY_OTHER},
	{"\033[3~", SCREEN_KEY_OTHER}, /* Delete */
	{"\033q", SCREEN_KEY_OTHER},   /* Alt-q */
	{"\033\033[B", SCREEN_KEY_NEXT},
	{"\033[1\033[B", SCREEN_KEY_NEXT}, /* cut off by the next one */
};

static void test_sequences(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(sequences); i++) {
		struct screen_keys parser = {0};
		struct keys keys = {0};

		/* What comes behind is not touched. */
		take(&parser, &keys, sequences[i].bytes);
		take(&parser, &keys, "r");
		g_assert_cmpuint(keys.n, ==, 2);
		g_assert_cmpint(keys.keys[0], ==, sequences[i].key);
		g_assert_cmpint(keys.keys[1], ==, 'r');
	}
}

/* A sequence may come in two reads; ESC alone is a key that means nothing. */
static void test_drained(void)
{
	struct screen_keys parser = {0};
	struct keys keys = {0};

	take(&parser, &keys, "\033[");
	screen_keys_drained(&parser);
	take(&parser, &keys, "6~");
	g_assert_cmpuint(keys.n, ==, 1);
	g_assert_cmpint(keys.keys[0], ==, SCREEN_KEY_NEXT);
	take(&parser, &keys, "\033");
	screen_keys_drained(&parser);
	take(&parser, &keys, "q");
	g_assert_cmpuint(keys.n, ==, 2);
	g_assert_cmpint(keys.keys[1], ==, 'q');
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/screen-keys/sequences", test_sequences);
	g_test_add_func("/screen-keys/drained", test_drained);
	return g_test_run();
}
