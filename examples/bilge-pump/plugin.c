/* A switch that clients turn on and off: a PUT of 0 or 1 to `electrical.switches.bilgePump.state`.
 * A plugin of the buffer ABI in C without a libc; 1 kB. A real one would speak to a relay where
 * `turn` is. */
#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name))) name
#define IMPORT(name) __attribute__((import_module("env"), import_name(#name))) name

extern void IMPORT(sk_set_status)(const char *text, size_t len);
extern void IMPORT(sk_handle_message)(const char *delta, size_t len, int version);
extern int IMPORT(sk_register_put_handler)(const char *context, size_t context_len,
					   const char *path, size_t path_len);

#define PATH "electrical.switches.bilgePump.state"
#define DELTA(value) "{\"updates\":[{\"values\":[{\"path\":\"" PATH "\",\"value\":" value "}]}]}"
/* A constant text and its length. */
#define TEXT(text) (text), sizeof(text) - 1

/* What fits of an answer, and how much that is. */
static size_t give(char *out, size_t max, const char *text, size_t len) {
	if (len > max) len = max;
	__builtin_memcpy(out, text, len);
	return len;
}

static void turn(int on) {
	if (on) {
		sk_set_status(TEXT("Running"));
		sk_handle_message(TEXT(DELTA("1")), 1);
	} else {
		sk_set_status(TEXT("Off"));
		sk_handle_message(TEXT(DELTA("0")), 1);
	}
}

/* The server asks for room before it gives a text, and gives it back in any order. Its texts are
 * few and short-lived: when all are back, the room begins anew. */
extern char __heap_base;
static size_t used, lent;

void *EXPORT(allocate)(size_t size) {
	size_t begin = (size_t)&__heap_base + used, end = begin + size;
	size_t have = __builtin_wasm_memory_size(0), want = (end + 65535) / 65536;
	if (want > have && __builtin_wasm_memory_grow(0, want - have) == (size_t)-1) return 0;
	used += (size + 15) & ~(size_t)15;
	lent++;
	return (void *)begin;
}

void EXPORT(deallocate)(void *at, size_t size) {
	(void)at, (void)size;
	if (--lent == 0) used = 0;
}

size_t EXPORT(plugin_name)(char *out, size_t max) { return give(out, max, TEXT("Bilge pump")); }

size_t EXPORT(plugin_schema)(char *out, size_t max) {
	return give(out, max, TEXT("{\"type\":\"object\",\"properties\":{}}"));
}

int EXPORT(plugin_start)(const char *config, size_t len) {
	(void)config, (void)len;
	turn(0);
	return sk_register_put_handler(TEXT("vessels.self"), TEXT(PATH)) == 1 ? 0 : 1;
}

int EXPORT(plugin_stop)(void) {
	turn(0);
	return 0;
}

size_t EXPORT(handle_put_vessels_self_electrical_switches_bilgePump_state)(
	const char *value, size_t len, char *out, size_t max) {
	if (len != 1 || (*value != '0' && *value != '1'))
		return give(out, max, TEXT(
			"{\"state\":\"COMPLETED\",\"statusCode\":400,\"message\":\"0 or 1\"}"));
	turn(*value == '1');
	return give(out, max, TEXT("{\"state\":\"COMPLETED\",\"statusCode\":200}"));
}
