/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Debug files from a server of DEBUGINFOD_URLS, which is a thread of this test: one that has the
 * file, one that has not, and one that takes every connection and never answers.
 */
#include "lib/dso_fixture.h"
#include "symbols/debuginfod.h"

#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

/* A server; it counts what it is asked for. */
struct server {
	GSocketService *service; /* Owned by this; NULL: it never answers */
	GSocket *silent;	 /* Owned by this, then */
	char *debug_file;	 /* Owned by this: what it has; NULL: nothing */
	char *build_id;		 /* Owned by this: in hexadecimal */
	gint requests;
};

static guint16 listen_in_silence(struct server *server)
{
	g_autoptr(GInetAddress) host = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
	g_autoptr(GSocketAddress) any = g_inet_socket_address_new(host, 0);
	g_autoptr(GSocketAddress) address = NULL;

	/* The kernel takes the connections; nobody reads from them. */
	server->silent = g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
				      G_SOCKET_PROTOCOL_TCP, NULL);
	g_assert_true(g_socket_bind(server->silent, any, TRUE, NULL));
	g_assert_true(g_socket_listen(server->silent, NULL));
	address = g_socket_get_local_address(server->silent, NULL);
	return g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address));
}

/* GET /buildid/HEX/debuginfo */
static gboolean answer(GThreadedSocketService *service G_GNUC_UNUSED, GSocketConnection *connection,
		       GObject *source G_GNUC_UNUSED, gpointer data)
{
	struct server *server = data;
	GOutputStream *output = g_io_stream_get_output_stream(G_IO_STREAM(connection));
	g_autofree char *wanted = g_strdup_printf("GET /buildid/%s/debuginfo ", server->build_id);
	g_autofree char *header = NULL;
	char request[4096] = "";
	gsize size = 0;

	g_atomic_int_inc(&server->requests);
	g_input_stream_read(g_io_stream_get_input_stream(G_IO_STREAM(connection)), request,
			    sizeof(request) - 1, NULL, NULL);
	if (server->debug_file && g_str_has_prefix(request, wanted)) {
		g_autofree char *bytes = NULL;

		g_assert_true(g_file_get_contents(server->debug_file, &bytes, &size, NULL));
		header = g_strdup_printf("HTTP/1.0 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
		g_output_stream_write_all(output, header, strlen(header), NULL, NULL, NULL);
		g_output_stream_write_all(output, bytes, size, NULL, NULL, NULL);
	} else {
		header = g_strdup("HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n");
		g_output_stream_write_all(output, header, strlen(header), NULL, NULL, NULL);
	}
	g_io_stream_close(G_IO_STREAM(connection), NULL, NULL);
	return TRUE;
}

/* Begins to listen, and says so in the environment. */
static void server_begin(struct server *server, const struct dso_fixture *fixture, bool silent)
{
	g_autofree char *cache = elf_maker_path(fixture->dir, "cache");
	g_autofree char *url = NULL;
	GString *hex = g_string_new(NULL);
	guint16 port;

	for (gsize i = 0; i < fixture->identity.build_id_size; i++)
		g_string_append_printf(hex, "%02x", fixture->identity.build_id[i]);
	server->build_id = g_string_free(hex, FALSE);
	if (silent) {
		port = listen_in_silence(server);
	} else {
		server->service = g_threaded_socket_service_new(1);
		port = g_socket_listener_add_any_inet_port(G_SOCKET_LISTENER(server->service), NULL,
							   NULL);
		g_signal_connect(server->service, "run", G_CALLBACK(answer), server);
		g_socket_service_start(server->service);
	}
	url = g_strdup_printf("http://127.0.0.1:%u/", port);
	g_setenv("DEBUGINFOD_URLS", url, TRUE);
	g_setenv("DEBUGINFOD_CACHE_PATH", cache, TRUE);
}

/* How often a server was turned to that never answers. */
static guint connections(const struct server *server)
{
	GSocket *connection;
	guint n = 0;

	g_socket_set_blocking(server->silent, FALSE);
	while ((connection = g_socket_accept(server->silent, NULL, NULL))) {
		g_object_unref(connection);
		n++;
	}
	return n;
}

static void server_end(struct server *server)
{
	if (server->service)
		g_socket_service_stop(server->service);
	g_clear_object(&server->service);
	g_clear_object(&server->silent);
	g_free(server->debug_file);
	g_free(server->build_id);
	g_unsetenv("DEBUGINFOD_URLS");
}

/* What asked goes before whom it asked. */
static void end(struct dso_fixture *fixture, struct debuginfod *debuginfod, struct server *server)
{
	dso_free(fixture->dso);
	fixture->dso = NULL;
	debuginfod_free(debuginfod);
	server_end(server);
}

static gint is_looking;

static gpointer look(gpointer data)
{
	const struct dso_fixture *fixture = data;

	dso_state(fixture->dso);
	g_atomic_int_set(&is_looking, FALSE);
	g_main_context_wakeup(NULL);
	return NULL;
}

/* The service takes connections in the main loop, so the question is asked in a thread. */
static void ask(struct dso_fixture *fixture)
{
	GThread *thread;

	dso_fixture_renew(fixture);
	g_atomic_int_set(&is_looking, TRUE);
	thread = g_thread_new("asks", look, fixture);
	while (g_atomic_int_get(&is_looking))
		g_main_context_iteration(NULL, TRUE);
	g_thread_join(thread);
}

static void count(const char *urls G_GNUC_UNUSED, double limit_s G_GNUC_UNUSED, void *data)
{
	++*(guint *)data;
}

static void test_found(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct debuginfod *debuginfod;
	struct server server = {.debug_file = elf_maker_path(fixture->dir, "served")};

	dso_fixture_run(fixture, "objcopy --only-keep-debug whole served");
	dso_fixture_run(fixture, "strip prog");
	server_begin(&server, fixture, false);
	debuginfod = debuginfod_new(NULL, NULL);
	ask(fixture);
	/* Nobody is asked unless it is said who asks. */
	g_assert_cmpint(dso_state(fixture->dso), ==, DSO_ONLY_EXPORTED);
	g_assert_cmpint(server.requests, ==, 0);
	fixture->options.debuginfod = debuginfod;
	ask(fixture);
	g_assert_cmpint(dso_state(fixture->dso), ==, DSO_OK);
	dso_fixture_assert_all_names(fixture);
	g_assert_cmpint(server.requests, ==, 1);
	g_assert_null(debuginfod_problem(debuginfod));
	end(fixture, debuginfod, &server);
}

static void test_missed(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct debuginfod *debuginfod;
	struct server server = {.debug_file = NULL};

	dso_fixture_run(fixture, "strip prog");
	server_begin(&server, fixture, false);
	debuginfod = debuginfod_new(NULL, NULL);
	fixture->options.debuginfod = debuginfod;
	for (guint i = 0; i < 3; i++) {
		ask(fixture);
		g_assert_cmpint(dso_state(fixture->dso), ==, DSO_ONLY_EXPORTED);
	}
	g_assert_cmpint(server.requests, ==, 1);
	g_assert_null(debuginfod_problem(debuginfod));
	end(fixture, debuginfod, &server);
}

/* One limit for all questions, said once; behind it nobody is asked. */
static void test_silent(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	struct debuginfod *debuginfod;
	struct server server = {.debug_file = NULL};
	guint n_said = 0;

	dso_fixture_run(fixture, "strip prog");
	server_begin(&server, fixture, true);
	g_setenv("DEBUGINFOD_TIMEOUT", "2", TRUE);
	debuginfod = debuginfod_new(count, &n_said);
	fixture->options.debuginfod = debuginfod;
	dso_fixture_open(fixture, DSO_ONLY_EXPORTED);
	dso_fixture_assert_problem(fixture, "did not answer within 2 s");
	dso_fixture_assert_problem(fixture, "--no-debuginfod");
	g_assert_cmpuint(n_said, ==, 1);
	g_assert_nonnull(debuginfod_problem(debuginfod));
	g_assert_cmpuint(connections(&server), >, 0);
	for (guint i = 1; i < 100; i++) {
		const struct build_id id = {.bytes = {i}, .size = DSO_BUILD_ID_MAX};

		g_assert_cmpint(debuginfod_find(debuginfod, &id), ==, -1);
	}
	g_assert_cmpuint(n_said, ==, 1);
	g_assert_cmpuint(connections(&server), ==, 0);
	g_unsetenv("DEBUGINFOD_TIMEOUT");
	end(fixture, debuginfod, &server);
}

/* No server has it. */
static void test_vdso(struct dso_fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
	g_autofree char *cache = NULL;
	struct debuginfod *debuginfod;
	struct server server = {.debug_file = NULL};

	server_begin(&server, fixture, false);
	debuginfod = debuginfod_new(NULL, NULL);
	fixture->options.debuginfod = debuginfod;
	/* The stripped program plays the vDSO, from perf's cache. */
	cache = g_strdup_printf("mkdir -p .build-id/%.2s/%s", server.build_id, server.build_id + 2);
	dso_fixture_run(fixture, cache);
	g_free(cache);
	cache = g_strdup_printf("strip prog -o .build-id/%.2s/%s/vdso", server.build_id,
				server.build_id + 2);
	dso_fixture_run(fixture, cache);
	fixture->identity.kind = DSO_VDSO;
	ask(fixture);
	g_assert_cmpint(dso_state(fixture->dso), ==, DSO_OK);
	g_assert_cmpint(server.requests, ==, 0);
	end(fixture, debuginfod, &server);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* A server that never answers would be waited for. */
	alarm(60);
	dso_fixture_add("/debuginfod/found", test_found);
	dso_fixture_add("/debuginfod/missed", test_missed);
	dso_fixture_add("/debuginfod/silent", test_silent);
	dso_fixture_add("/debuginfod/vdso", test_vdso);
	return g_test_run();
}
