/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * base/byte_reader: both byte orders, and that nothing past the end is read.
 */
#include "base/byte_reader.h"

static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 'a', 'b', 0, 'c'};

static struct byte_reader reader_of_order(int byte_order, size_t size)
{
	return byte_reader_of(bytes, size, byte_order != G_BYTE_ORDER);
}

static void test_orders(void)
{
	struct byte_reader little = reader_of_order(G_LITTLE_ENDIAN, sizeof(bytes));
	struct byte_reader big = reader_of_order(G_BIG_ENDIAN, sizeof(bytes));

	g_assert_cmphex(byte_reader_u16(&little), ==, 0x0201);
	g_assert_cmphex(byte_reader_u16(&big), ==, 0x0102);
	g_assert_cmphex(byte_reader_u32(&little), ==, 0x06050403);
	g_assert_cmphex(byte_reader_u32(&big), ==, 0x03040506);
	g_assert_cmphex(byte_reader_u8(&little), ==, 7);
	little = reader_of_order(G_LITTLE_ENDIAN, sizeof(bytes));
	big = reader_of_order(G_BIG_ENDIAN, sizeof(bytes));
	g_assert_cmphex(byte_reader_u64(&little), ==, G_GUINT64_CONSTANT(0x0807060504030201));
	g_assert_cmphex(byte_reader_u64(&big), ==, G_GUINT64_CONSTANT(0x0102030405060708));
	g_assert_cmpstr(byte_reader_string(&little), ==, "ab");
	g_assert_false(little.failed);
}

/* One byte too few for each read: 0 or NULL, and so for all that follows. */
static void test_past_the_end(void)
{
	struct byte_reader reader = reader_of_order(G_LITTLE_ENDIAN, 7);

	g_assert_cmpuint(byte_reader_u64(&reader), ==, 0);
	g_assert_true(reader.failed);
	g_assert_cmpuint(byte_reader_u8(&reader), ==, 0);

	reader = reader_of_order(G_LITTLE_ENDIAN, 3);
	g_assert_cmpuint(byte_reader_u32(&reader), ==, 0);
	g_assert_true(reader.failed);

	reader = reader_of_order(G_LITTLE_ENDIAN, 1);
	g_assert_cmpuint(byte_reader_u16(&reader), ==, 0);
	g_assert_true(reader.failed);

	reader = reader_of_order(G_LITTLE_ENDIAN, 8);
	g_assert_null(byte_reader_bytes(&reader, SIZE_MAX));
	g_assert_true(reader.failed);
}

static void test_string_without_nul(void)
{
	struct byte_reader reader = byte_reader_of(bytes + 8, 2, false);

	g_assert_null(byte_reader_string(&reader));
	g_assert_true(reader.failed);
	reader = byte_reader_of(bytes, 0, false);
	g_assert_null(byte_reader_string(&reader));
	g_assert_true(reader.failed);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/byte_reader/orders", test_orders);
	g_test_add_func("/byte_reader/past_the_end", test_past_the_end);
	g_test_add_func("/byte_reader/string_without_nul", test_string_without_nul);
	return g_test_run();
}
