/* A plugin of the buffer ABI in C with every import that such a plugin can have: the 62 of `env`, those of
 * AssemblyScript among them, the seven for HTTP and WebSockets that only this host has, and the 46 of WASI. A reactor with wasi-libc.
 *
 * Configuration: `start`, a list of calls as in `buffer_everything` (test-plugin/buffer/src/script.rs): an
 * argument is a number, a text, `{"max": n}`, `{"out": n}`, `{"iov": "text"}` or `{"script": "text"}`. Each is
 * one line of the log, `start sk_udp_create -> 1`; what a call writes is not shown. The lists of imports stand
 * in c_everything.h.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(#name))) name

#include "c_everything.h"

/* What is left of the configuration; its JSON has no blanks. */
static const char *at, *end;
/* The arguments of one call, and the bytes that some of them are addresses of. */
static int64_t n[12];
static int count;
static char room[16384] __attribute__((aligned(8)));
static size_t used;

static int take(char wanted) {
	if (at >= end || *at != wanted) return 0;
	at++;
	return 1;
}

static void push(int64_t number) {
	if (count < 12) n[count++] = number;
}

static int64_t address(const void *of) { return (int64_t)(uintptr_t)of; }

/* Bytes of zero that stay until the call is over. */
static char *bytes(size_t size) {
	used = (used + 7) & ~(size_t)7;
	if (size > sizeof room - used) __builtin_trap();
	char *made = room + used;
	used += size;
	memset(made, 0, size);
	return made;
}

/* The rest of a text whose first quotation mark is taken; it ends with a zero. */
static char *text(size_t *len) {
	char *made = bytes(512);
	*len = 0;
	while (at < end && *at != '"') {
		if (*at == '\\') at++;
		if (*len < 511) made[(*len)++] = *at;
		at++;
	}
	take('"');
	return made;
}

/* A string as AssemblyScript lays it out: class and size before its UTF-16. */
static void push_string(const char *from, size_t len) {
	char *made = bytes(8 + 2 * len);
	((uint32_t *)made)[0] = 2;
	((uint32_t *)made)[1] = (uint32_t)(2 * len);
	for (size_t i = 0; i < len; i++) made[8 + 2 * i] = from[i];
	push(address(made + 8));
}

static void push_iovec(const char *from, size_t len) {
	uint32_t *made = (uint32_t *)bytes(8);
	made[0] = (uint32_t)(uintptr_t)from;
	made[1] = (uint32_t)len;
	push(address(made));
}

static int64_t number(void) {
	char *behind;
	int64_t value = strtoll(at, &behind, 10);
	at = behind;
	return value;
}

/* `{"max": 16}`: its key says what the value is for. */
static void object(void) {
	size_t len;
	take('"');
	const char *key = text(&len);
	take(':');
	if (take('"')) {
		const char *value = text(&len);
		if (strcmp(key, "iov") == 0) push_iovec(value, len);
		if (strcmp(key, "script") == 0) push_string(value, len);
	} else {
		int64_t size = number();
		push(address(bytes((size_t)size)));
		if (strcmp(key, "max") == 0) push(size);
	}
	take('}');
}

/* Calls the import of this name; -1000: there is none. */
static int32_t call(const char *name) {
	ENV_CALLS(RUN)
	WASI_CALLS(RUN)
	return -1000;
}

/* One call, whose first bracket is taken. */
static void one(void) {
	size_t len;
	char line[128];
	used = 0;
	count = 0;
	take('"');
	const char *name = text(&len);
	while (take(',')) {
		if (take('"')) {
			const char *given = text(&len);
			push(address(given));
			push((int64_t)len);
		} else if (take('{')) {
			object();
		} else {
			push(number());
		}
	}
	take(']');
	int size = snprintf(line, sizeof line, "start %s -> %d", name, (int)call(name));
	env_sk_debug((int32_t)address(line), size);
}

void *EXPORT(allocate)(size_t size) { return malloc(size); }
void EXPORT(deallocate)(void *block, size_t size) {
	(void)size;
	free(block);
}

int EXPORT(plugin_name)(char *out, size_t max) {
	static const char name[] = "C everything";
	size_t len = sizeof name - 1 < max ? sizeof name - 1 : max;
	memcpy(out, name, len);
	return (int)len;
}

int32_t EXPORT(plugin_start)(const char *config, size_t len) {
	static const char key[] = "\"start\":[";
	end = config + len;
	for (at = config; at + sizeof key - 1 <= end; at++)
		if (memcmp(at, key, sizeof key - 1) == 0) {
			at += sizeof key - 1;
			while (take('[')) {
				one();
				take(',');
			}
			break;
		}
	return 0;
}

int32_t EXPORT(plugin_stop)(void) { return 0; }
