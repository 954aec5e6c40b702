/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Escape sequences and the state of the terminal line.
 */
#include "screen.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l\033[?7l" /* the other buffer, no cursor, no wrapping */
#define LEAVE "\033[0m\033[?7h\033[?25h\033[?1049l"
#define CLEAR "\033[0m\033[2J"

#define PATIENCE_MS 200 /* with a terminal that takes nothing */

#define DEFAULT_WIDTH  80
#define DEFAULT_HEIGHT 24

static const char *const styles[] = {
	[SCREEN_PLAIN] = "",	      [SCREEN_TITLE] = "\033[1;36m",   [SCREEN_HEADING] = "\033[1m",
	[SCREEN_ACTIVE] = "\033[32m", [SCREEN_WARNING] = "\033[1;31m",
};

struct screen {
	int fd; /* Owned by this: the terminal */
	bool coloured;
	GPtrArray *shown; /* Owned by this: struct screen_line; what stands there */
	bool is_known;	  /* it does */
	struct screen_keys keys;
};

/* For the way out that takes no detour: the terminal and how it was. -1: it is not ours. */
static volatile sig_atomic_t taken_fd = -1;
static struct termios before;

static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/*
 * False when the terminal does not take all of it: it is gone, or stopped (Ctrl-S) for longer than
 * anybody should wait who is to answer signals.
 */
static bool write_all(int fd, const char *text, size_t size)
{
	while (size) {
		struct pollfd ready = {.fd = fd, .events = POLLOUT};
		const ssize_t written = write(fd, text, size);

		if (written >= 0) {
			text += written;
			size -= (size_t)written;
		} else if (errno != EINTR &&
			   (errno != EAGAIN || poll(&ready, 1, PATIENCE_MS) != 1)) {
			return false;
		}
	}
	return true;
}

/* Forgets keys, and does not wait until a stopped terminal has shown everything. */
static void set_mode(int fd, const struct termios *mode)
{
	tcflush(fd, TCIFLUSH);
	tcsetattr(fd, TCSANOW, mode);
}

/* Called from anywhere, signal handlers included. */
static void give_back(void)
{
	const int saved = errno, fd = taken_fd;

	if (fd < 0)
		return;
	taken_fd = -1;
	write_all(fd, LEAVE, strlen(LEAVE));
	set_mode(fd, &before);
	errno = saved;
}

static void on_deadly_signal(int number)
{
	give_back();
	/* SA_RESETHAND: now it does what it would have done. */
	raise(number);
}

static void take(struct screen *screen)
{
	struct termios raw = before;

	/* Ctrl-C and Ctrl-Z stay signals. */
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	taken_fd = screen->fd;
	set_mode(screen->fd, &raw);
	write_all(screen->fd, ENTER, strlen(ENTER));
	screen_forget(screen);
}

static void line_free(gpointer data)
{
	struct screen_line *line = data;

	g_free(line->text);
	g_free(line);
}

GPtrArray *screen_lines_new(void)
{
	return g_ptr_array_new_with_free_func(line_free);
}

void screen_lines_add(GPtrArray *lines, enum screen_style style, const char *text)
{
	struct screen_line *line = g_new(struct screen_line, 1);

	line->text = g_strdup(text);
	line->style = style;
	g_ptr_array_add(lines, line);
}

bool screen_is_possible(void)
{
	const char *term = g_getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb");
}

struct screen *screen_new(bool coloured, GError **error)
{
	/* Standard input may be the stream. */
	const char *const name = ttyname(STDOUT_FILENO);
	const int fd = name ? open(name, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
	struct screen *screen;

	if (fd < 0 || tcgetattr(fd, &before)) {
		g_set_error(error, COLO_PERF_ERROR, COLO_PERF_ERROR_IO,
			    "cannot open the terminal: %s; --json needs none", g_strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	screen = g_new0(struct screen, 1);
	screen->fd = fd;
	screen->coloured = coloured;
	screen->shown = screen_lines_new();
	atexit(give_back);
	for (size_t i = 0; i < G_N_ELEMENTS(deadly); i++) {
		struct sigaction action = {.sa_handler = on_deadly_signal,
					   .sa_flags = SA_RESETHAND | SA_NODEFER};

		sigaction(deadly[i], &action, NULL);
	}
	take(screen);
	return screen;
}

void screen_free(struct screen *screen)
{
	if (!screen)
		return;
	give_back();
	close(screen->fd);
	g_ptr_array_unref(screen->shown);
	g_free(screen);
}

void screen_suspend(struct screen *screen G_GNUC_UNUSED)
{
	give_back();
}

void screen_resume(struct screen *screen)
{
	/* It may have been changed meanwhile. */
	if (taken_fd < 0 && !tcgetattr(screen->fd, &before))
		take(screen);
}

int screen_fd(const struct screen *screen)
{
	return screen->fd;
}

int screen_key(struct screen *screen)
{
	unsigned char byte;

	while (read(screen->fd, &byte, 1) == 1) {
		const int key = screen_keys_take(&screen->keys, byte);

		if (key != SCREEN_KEY_NONE)
			return key;
	}
	screen_keys_drained(&screen->keys);
	return SCREEN_KEY_NONE;
}

void screen_size(const struct screen *screen, guint *width, guint *height)
{
	struct winsize size;
	const bool known = !ioctl(screen->fd, TIOCGWINSZ, &size) && size.ws_col && size.ws_row;

	*width = known ? size.ws_col : DEFAULT_WIDTH;
	*height = known ? size.ws_row : DEFAULT_HEIGHT;
}

void screen_forget(struct screen *screen)
{
	screen->is_known = false;
}

static bool is_same(const struct screen_line *left, const struct screen_line *right)
{
	return left->style == right->style && !strcmp(left->text, right->text);
}

static void put_line(const struct screen *screen, GString *out, guint row, guint width,
		     const struct screen_line *line)
{
	const bool styled = screen->coloured && line && line->style != SCREEN_PLAIN;

	g_string_append_printf(out, "\033[%u;1H", row + 1);
	if (line)
		g_string_append_printf(out, "%s%s%s", styled ? styles[line->style] : "", line->text,
				       styled ? "\033[0m" : "");
	/* Behind a full line the cursor stands on its last character. */
	if (!line || strlen(line->text) < width)
		g_string_append(out, "\033[K");
}

void screen_show(struct screen *screen, const GPtrArray *lines)
{
	g_autoptr(GString) out = g_string_new(NULL);
	guint width, height, n;

	screen_size(screen, &width, &height);
	n = MIN(lines->len, height);
	if (!screen->is_known) {
		g_string_append(out, CLEAR);
		g_ptr_array_set_size(screen->shown, 0);
	}
	for (guint row = 0; row < MAX(n, screen->shown->len); row++) {
		const struct screen_line *line = row < n ? lines->pdata[row] : NULL;
		const struct screen_line *old =
			row < screen->shown->len ? screen->shown->pdata[row] : NULL;

		if (!line || !old || !is_same(line, old))
			put_line(screen, out, row, width, line);
	}
	g_ptr_array_set_size(screen->shown, 0);
	for (guint row = 0; row < n; row++) {
		const struct screen_line *line = lines->pdata[row];

		screen_lines_add(screen->shown, line->style, line->text);
	}
	/* In one piece: no half of it is ever seen. */
	screen->is_known = write_all(screen->fd, out->str, out->len);
}
