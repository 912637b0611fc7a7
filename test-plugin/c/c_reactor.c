/* A plugin of the buffer ABI in C with wasi-libc: a reactor, whose `_initialize` a host must call
 * exactly once (`constructed 1`).
 *
 * It uses what only older plugins still have: `sk_handle_message` with two parameters, the resource
 * handlers by their first names (`resource_list`, ...), `radar_get_info`. Its texts are given as
 * `snprintf` does: the result is the length that was needed, also when the buffer was smaller. The
 * schema is 20 kB long, so a host must come back with more room.
 *
 * Configuration: `result`, what `plugin_start` gives back. Log: `constructed 1` and `config JSON` at the
 * start; `file N starts` from /data/starts, which counts them; `polled`; `delta N bytes`. Each delta
 * with `test.c.question` is answered with `test.c.answer`. HTTP: GET /hello answers text, GET
 * /needs answers a length beyond its buffer. Resources of type `c_things`: one, called `one`.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(#name))) name
#define IMPORT(name) __attribute__((import_module("env"), import_name(#name))) name

extern void IMPORT(sk_debug)(const char *text, size_t len);
extern void IMPORT(sk_set_status)(const char *text, size_t len);
extern void IMPORT(sk_handle_message)(const char *delta, size_t len);
extern int32_t IMPORT(sk_register_resource_provider)(const char *kind, size_t len);
extern int32_t IMPORT(sk_register_radar_provider)(const char *name, size_t len);

static int constructed;

__attribute__((constructor)) static void construct(void) { constructed++; }

static void log_line(const char *format, int number) {
	char line[128];
	int len = snprintf(line, sizeof line, format, number);
	sk_debug(line, (size_t)len);
}

/* The text as far as there is room; what it would have needed. */
static int give(char *out, size_t max, const char *text) {
	size_t len = strlen(text);
	memcpy(out, text, len < max ? len : max);
	return (int)len;
}

/* The texts that arrive have no zero at their end. */
static int contains(const char *text, size_t len, const char *wanted) {
	size_t size = strlen(wanted);
	for (size_t at = 0; at + size <= len; at++)
		if (memcmp(text + at, wanted, size) == 0) return (int)(at + size);
	return 0;
}

void *EXPORT(allocate)(size_t size) { return malloc(size); }
void EXPORT(deallocate)(void *at, size_t size) {
	(void)size;
	free(at);
}

int EXPORT(plugin_id)(char *out, size_t max) { return give(out, max, "c-reactor"); }
int EXPORT(plugin_name)(char *out, size_t max) { return give(out, max, "C reactor"); }

int EXPORT(plugin_schema)(char *out, size_t max) {
	static char schema[20480];
	memset(schema, ' ', sizeof schema - 1);
	static const char text[] =
		"{\"type\":\"object\",\"properties\":{\"result\":{\"type\":\"number\"}}";
	memcpy(schema, text, sizeof text - 1);
	schema[sizeof schema - 2] = '}';
	return give(out, max, schema);
}

int EXPORT(http_endpoints)(char *out, size_t max) {
	return give(out, max,
		"[{\"method\":\"GET\",\"path\":\"/hello\",\"handler\":\"http_hello\"},"
		"{\"method\":\"GET\",\"path\":\"/needs\",\"handler\":\"http_needs\"}]");
}

int EXPORT(http_hello)(const char *request, size_t len, char *out, size_t max) {
	(void)request, (void)len;
	return give(out, max, "{\"headers\":{\"content-type\":\"text/plain\"},\"body\":\"hello from C\"}");
}

int EXPORT(http_needs)(const char *request, size_t len, char *out, size_t max) {
	(void)request, (void)len, (void)out;
	return (int)max + 1;
}

/* How often the plugin was started, kept in a file. */
static int count_starts(void) {
	int starts = 0;
	FILE *file = fopen("/data/starts", "r");
	if (file != NULL) {
		if (fscanf(file, "%d", &starts) != 1) starts = -100;
		fclose(file);
	}
	starts++;
	file = fopen("/data/starts", "w");
	if (file == NULL) return -1;
	fprintf(file, "%d\n", starts);
	fclose(file);
	return starts;
}

int32_t EXPORT(plugin_start)(const char *config, size_t len) {
	char line[256];
	int size = snprintf(line, sizeof line, "config %.*s", (int)len, config);
	sk_debug(line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1);
	log_line("constructed %d", constructed);
	log_line("file %d starts", count_starts());
	sk_register_resource_provider("c_things", 8);
	sk_register_radar_provider("C radar", 7);
	sk_set_status("Running", 7);
	int at = contains(config, len, "\"result\":");
	return at > 0 ? atoi(config + at) : 0;
}

int32_t EXPORT(plugin_stop)(void) {
	sk_debug("stopped", 7);
	return 0;
}

int32_t EXPORT(poll)(void) {
	sk_debug("polled", 6);
	return 0;
}

void EXPORT(delta_handler)(const char *delta, size_t len) {
	static const char answer[] =
		"{\"updates\":[{\"values\":[{\"path\":\"test.c.answer\",\"value\":true}]}]}";
	if (!contains(delta, len, "test.c.question")) return;
	log_line("delta %d bytes", (int)len);
	sk_handle_message(answer, sizeof answer - 1);
}

int EXPORT(resource_list)(const char *query, size_t len, char *out, size_t max) {
	(void)query, (void)len;
	return give(out, max, "{\"one\":{\"name\":\"One\"}}");
}

int EXPORT(resource_get)(const char *request, size_t len, char *out, size_t max) {
	int known = contains(request, len, "\"id\":\"one\"");
	return give(out, max, known ? "{\"name\":\"One\"}" : "{\"error\":\"no such thing\"}");
}

int EXPORT(resource_set)(const char *request, size_t len, char *out, size_t max) {
	(void)request, (void)len;
	return give(out, max, "{\"error\":\"things cannot be changed\"}");
}

int EXPORT(resource_delete)(const char *request, size_t len, char *out, size_t max) {
	(void)request, (void)len, (void)out, (void)max;
	return 0;
}

int EXPORT(radar_get_radars)(char *out, size_t max) { return give(out, max, "[\"c-0\"]"); }

int EXPORT(radar_get_info)(const char *request, size_t len, char *out, size_t max) {
	(void)request, (void)len;
	return give(out, max, "{\"name\":\"C radar\",\"brand\":\"Test\",\"radarIpAddress\":\"127.0.0.1\"}");
}
