/* A plugin of the buffer ABI in C that uses methods which have no import of their own, by `sk_call`: a PUT, a
 * subscription, clients' WebSockets, streamed bodies. It does and logs what `examples/buffer_by_name.rs` says.
 *
 * No JSON library: what it looks for in a text stands there as this host writes it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(#name))) name
#define IMPORT(name) __attribute__((import_module("env"), import_name(#name))) name

extern void IMPORT(sk_debug)(const char *text, size_t len);
extern int32_t IMPORT(sk_call)(const char *method, size_t method_len, const char *params, size_t params_len,
	char *out, size_t max);
extern int32_t IMPORT(sk_call_answer)(char *out, size_t max);
extern int32_t IMPORT(sk_call_error)(char *out, size_t max);

static char answer[128 << 10];
static char text[64 << 10];
static int has_put;

static void say(const char *line) { sk_debug(line, strlen(line)); }

/* The answer is in `answer`; 0: it failed, and there is why. */
static int call(const char *method, const char *params) {
	int32_t len = sk_call(method, strlen(method), params, strlen(params), answer, sizeof answer - 1);
	int ok = len >= 0;
	if (!ok) len = sk_call_error(answer, sizeof answer - 1);
	if (len < 0 || (size_t)len >= sizeof answer) len = 0;
	answer[len] = 0;
	return ok;
}

static int give(char *out, size_t max, const char *from) {
	size_t len = strlen(from);
	memcpy(out, from, len < max ? len : max);
	return (int)len;
}

/* A copy with a zero at its end; the next call takes its place. */
static const char *copy(const char *from, size_t len) {
	static char *held;
	free(held);
	held = malloc(len + 1);
	memcpy(held, from, len);
	held[len] = 0;
	return held;
}

static long number_after(const char *from, const char *key) {
	const char *at = strstr(from, key);
	return at ? atol(at + strlen(key)) : 0;
}

void *EXPORT(allocate)(size_t size) { return malloc(size); }
void EXPORT(deallocate)(void *at, size_t size) {
	(void)size;
	free(at);
}

int EXPORT(plugin_name)(char *out, size_t max) { return give(out, max, "Methods by name, in C"); }

int EXPORT(http_endpoints)(char *out, size_t max) {
	return give(out, max,
		"[{\"method\":\"POST\",\"path\":\"/count\",\"handler\":\"count\",\"stream\":true},"
		"{\"method\":\"GET\",\"path\":\"/down\",\"handler\":\"down\",\"stream\":true}]");
}

int32_t EXPORT(plugin_start)(const char *config, size_t len) {
	(void)config, (void)len;
	if (!call("websocket.register", "{\"paths\":[\"/live\"],\"access\":\"readonly\"}") ||
		!call("deltas.subscribe", "{\"path\":\"navigation.speedOverGround\",\"period\":1000}")) {
		say(answer);
		return 1;
	}
	return 0;
}

int32_t EXPORT(poll)(void) {
	if (has_put) return 0;
	has_put = 1;
	call("put.send", "{\"path\":\"steering.target\",\"value\":1.5}");
	snprintf(text, sizeof text, "put %s", answer);
	say(text);
	return 0;
}

void EXPORT(delta_handler)(const char *delta, size_t len) {
	if (strstr(copy(delta, len), "\"navigation.speedOverGround\"")) say("delta");
}

void EXPORT(on_event)(const char *from, size_t len) {
	static const char params[] = "\"params\":";
	char *event = (char *)copy(from, len);
	long connection = number_after(event, "\"connection\":");
	if (strstr(event, "websocket.opened")) {
		snprintf(text, sizeof text, "{\"connection\":%ld,\"text\":\"hello\"}", connection);
		if (!call("websocket.send", text)) say(answer);
	} else if (strstr(event, "websocket.message")) {
		/* The params of a message are those of the call that sends it back. */
		event[len - 1] = 0;
		if (!call("websocket.send", strstr(event, params) + sizeof params - 1)) say(answer);
	} else if (strstr(event, "websocket.closed")) {
		say("closed");
	}
}

int EXPORT(count)(const char *request, size_t len, char *out, size_t max) {
	char params[32];
	int pieces = 0;
	snprintf(params, sizeof params, "[%ld]", number_after(copy(request, len), "\"exchange\":"));
	for (;;) {
		if (!call("http.read", params)) {
			say("left");
			return give(out, max, "{\"statusCode\":500}");
		}
		if (strstr(answer, "\"end\"")) break;
		pieces++;
	}
	snprintf(text, sizeof text, "{\"body\":{\"pieces\":%d}}", pieces);
	return give(out, max, text);
}

int EXPORT(down)(const char *request, size_t len, char *out, size_t max) {
	long exchange = number_after(copy(request, len), "\"exchange\":");
	snprintf(text, sizeof text, "{\"exchange\":%ld,\"headers\":{\"content-length\":\"2000000\"}}", exchange);
	int ok = call("http.respond", text);
	int size = snprintf(text, sizeof text, "{\"exchange\":%ld,\"text\":\"", exchange);
	memset(text + size, 'x', 50000);
	strcpy(text + size + 50000, "\"}");
	for (int i = 0; ok && i < 40; i++) ok = call("http.write", text);
	if (!ok) say("left");
	return give(out, max, "{}");
}
