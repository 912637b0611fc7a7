/* A plain library in C without any libc: neither `_start` nor `_initialize`, and no WASI at all.
 *
 * Its declarations differ from the canonical ones in the ways that a host in JavaScript never
 * noticed: i64 where i32 is meant, a parameter too few or too many, a result where there is none.
 * Memory is given out and never taken back; there is no `deallocate` and no `plugin_id`.
 *
 * Log: `config JSON` at the start, then `create 1` (what sk_udp_create gave, called without its
 * parameter); `polled`. Status: `Running`. Each delta with `test.c.question` is answered with
 * `test.c.answer`. PUT `vessels.self` `test.c` answers PENDING.
 */
#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name))) name
#define IMPORT(name) __attribute__((import_module("env"), import_name(#name))) name

extern int32_t IMPORT(sk_debug)(const char *text, size_t len, int32_t more);
extern void IMPORT(sk_set_status)(int64_t text, int64_t len);
extern int64_t IMPORT(sk_handle_message)(const char *delta, size_t len);
extern int64_t IMPORT(sk_udp_create)(void);
extern void IMPORT(sk_register_put_handler)(const char *context, size_t context_len,
					    const char *path, int64_t path_len);

extern char __heap_base;
static uintptr_t next;

static size_t copy(char *to, const char *from, size_t len) {
	__builtin_memcpy(to, from, len);
	return len;
}

#define GIVE(out, max, text) (int32_t) copy(out, text, sizeof(text) - 1 < (max) ? sizeof(text) - 1 : (max))

void *EXPORT(allocate)(size_t size) {
	if (next == 0) next = ((uintptr_t)&__heap_base + 15) & ~(uintptr_t)15;
	uintptr_t at = next, end = at + size;
	size_t pages = (end + 65535) / 65536, have = __builtin_wasm_memory_size(0);
	if (pages > have && __builtin_wasm_memory_grow(0, pages - have) == (size_t)-1) return 0;
	next = (end + 15) & ~(uintptr_t)15;
	return (void *)at;
}

int32_t EXPORT(plugin_name)(char *out, size_t max) { return GIVE(out, max, "C library"); }

int32_t EXPORT(plugin_schema)(char *out, size_t max) {
	return GIVE(out, max, "{\"type\":\"object\",\"properties\":{}}");
}

int64_t EXPORT(plugin_start)(int64_t config, int64_t len) {
	static char line[512];
	size_t size = copy(line, "config ", 7);
	size_t given = (size_t)len < 500 ? (size_t)len : 500;
	size += copy(line + size, (const char *)(uintptr_t)config, given);
	sk_debug(line, size, -1);
	int64_t created = sk_udp_create();
	size = copy(line, "create ", 7);
	if (created < 0) line[size++] = '-';
	line[size++] = (char)('0' + (created < 0 ? -created : created) % 10);
	sk_debug(line, size, -1);
	static const char status[] = "Running";
	sk_set_status((int64_t)(uintptr_t)status, 7);
	sk_register_put_handler("vessels.self", 12, "test.c", 6);
	return 0;
}

void EXPORT(plugin_stop)(void) { sk_debug("stopped", 7, 0); }

void EXPORT(poll)(void) { sk_debug("polled", 6, 0); }

int32_t EXPORT(delta_handler)(const char *delta, size_t len) {
	static const char wanted[] = "test.c.question";
	static const char answer[] =
		"{\"updates\":[{\"values\":[{\"path\":\"test.c.answer\",\"value\":true}]}]}";
	for (size_t at = 0; at + sizeof wanted - 1 <= len; at++) {
		size_t same = 0;
		while (same < sizeof wanted - 1 && delta[at + same] == wanted[same]) same++;
		if (same == sizeof wanted - 1) {
			sk_handle_message(answer, sizeof answer - 1);
			break;
		}
	}
	return 1;
}

int32_t EXPORT(handle_put_vessels_self_test_c)(const char *value, size_t len, char *out, size_t max) {
	(void)value, (void)len;
	return GIVE(out, max, "{\"state\":\"PENDING\",\"statusCode\":202}");
}
