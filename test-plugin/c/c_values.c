/* A plugin of the buffer ABI in C that takes values without JSON, on servers that have them: records are
 * read where they are, and names are compared once, when the server says what a number stands for.
 *
 * It adds up the own vessel's `navigation.speedOverGround`, keeps its position, the text of
 * `navigation.state` and the zones of that speed, and says in its log, once a second if something came:
 * `12 values, speed 9500, at 60500 24000, state motoring, zones [..], lost 0` (thousandths). On other
 * servers `delta_handler` logs `a delta`.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(#name))) name
#define IMPORT(name) __attribute__((import_module("env"), import_name(#name))) name

extern void IMPORT(sk_debug)(const char *text, size_t len);

/* The form of values, as EXTENSIONS.md has it. */
struct sk_text { uint32_t at, length; };
struct sk_values { uint32_t version, flags, size, lost, heads, head_count, rows, row_count; };
struct sk_head {
	uint32_t number, flags, subscription, reserved;
	struct sk_text context, source, path, member;
};
struct sk_row { uint32_t head, kind; double number, time; struct sk_text text; };
enum { SK_FORGET = 1 };
enum { SK_META = 1, SK_OWN = 2, SK_MEMBER = 4 };
enum { SK_NULL, SK_FALSE, SK_TRUE, SK_NUMBER, SK_TEXT, SK_JSON, SK_MEMBERS };
_Static_assert(sizeof(struct sk_values) == 32 && sizeof(struct sk_head) == 48 && sizeof(struct sk_row) == 32, "the form");

enum wanted { NOTHING, SPEED, LATITUDE, LONGITUDE, STATE, ZONES };
static uint8_t wanted[8192];

static uint32_t values, lost;
static double speed, latitude, longitude;
static char state[32], zones[256];

void *EXPORT(allocate)(size_t size) { return malloc(size); }
void EXPORT(deallocate)(void *at, size_t size) {
	(void)size;
	free(at);
}

static int give(char *out, size_t max, const char *text) {
	size_t len = strlen(text);
	memcpy(out, text, len < max ? len : max);
	return (int)len;
}

int EXPORT(plugin_id)(char *out, size_t max) { return give(out, max, "c-values"); }
int EXPORT(plugin_name)(char *out, size_t max) { return give(out, max, "Values in C"); }
int EXPORT(plugin_schema)(char *out, size_t max) { return give(out, max, "{}"); }
int EXPORT(plugin_start)(const char *config, size_t len) { return (void)config, (void)len, 0; }
int EXPORT(plugin_stop)(void) { return 0; }

int EXPORT(poll)(void) {
	char line[512];
	if (values == 0) return 0;
	int len = snprintf(line, sizeof line,
		"%u values, speed %.0f, at %.0f %.0f, state %s, zones %s, lost %u", (unsigned)values,
		speed * 1000, latitude * 1000, longitude * 1000, state, zones, (unsigned)lost);
	sk_debug(line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
	values = 0;
	return 0;
}

void EXPORT(delta_handler)(const char *delta, size_t len) {
	(void)delta, (void)len;
	sk_debug("a delta", 7);
}

/* Texts end with a zero. */
static enum wanted wants(const char *block, const struct sk_head *head) {
	const char *path = block + head->path.at, *member = block + head->member.at;
	if (!(head->flags & SK_OWN)) return NOTHING;
	if (strcmp(path, "navigation.speedOverGround") == 0) {
		if (!(head->flags & SK_META)) return SPEED;
		return head->flags & SK_MEMBER && strcmp(member, "zones") == 0 ? ZONES : NOTHING;
	}
	if (strcmp(path, "navigation.state") == 0) return STATE;
	if (strcmp(path, "navigation.position") != 0 || !(head->flags & SK_MEMBER)) return NOTHING;
	if (strcmp(member, "latitude") == 0) return LATITUDE;
	return strcmp(member, "longitude") == 0 ? LONGITUDE : NOTHING;
}

static void keep(char *out, size_t max, const char *block, const struct sk_row *row) {
	snprintf(out, max, "%.*s", (int)row->text.length, block + row->text.at);
}

void EXPORT(values_handler)(const char *block, size_t len) {
	const struct sk_values *all = (const void *)block;
	const struct sk_head *heads = (const void *)(block + all->heads);
	const struct sk_row *rows = (const void *)(block + all->rows);
	(void)len;
	if (all->version != 1) return;
	lost += all->lost;
	if (all->flags & SK_FORGET) memset(wanted, NOTHING, sizeof wanted);
	for (uint32_t i = 0; i < all->head_count; i++)
		wanted[heads[i].number] = (uint8_t)wants(block, &heads[i]);
	uint32_t members = 0;
	for (uint32_t i = 0; i < all->row_count; i++) {
		const struct sk_row *row = &rows[i];
		/* An object is one value, and so many rows. */
		if (members > 0) members--;
		else values++, members = row->kind == SK_MEMBERS ? (uint32_t)row->number : 0;
		switch (wanted[row->head]) {
		case SPEED: if (row->kind == SK_NUMBER) speed += row->number; break;
		case LATITUDE: latitude = row->number; break;
		case LONGITUDE: longitude = row->number; break;
		case STATE: keep(state, sizeof state, block, row); break;
		case ZONES: keep(zones, sizeof zones, block, row); break;
		default: break;
		}
	}
}
