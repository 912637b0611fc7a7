//go:build wasip1

// A plugin in Go with the standard toolchain: a reactor with its whole runtime, scheduler and
// collector (2.5 MB), so it is also what is loaded when the loading of big modules is measured.
//
// A goroutine ticks every 20 ms of the guest's time; goroutines run only while a call runs, so `poll`
// waits 50 ms for it and logs `polled, N ticks`. Configuration: `result`, what `plugin_start` gives
// back; `garbage`, megabytes that each poll throws away. `plugin_start` logs `config JSON`, `init N`
// (how often the packages were initialised), `file N starts` from /data/starts, and `self VALUE` of
// navigation.speedOverGround. A delta with `test.go.question` is answered with `test.go.answer`. HTTP:
// GET /hello answers the request; GET /panic panics, as `"panic": true` makes `poll` do.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

//go:wasmimport env sk_debug
func skDebug(text *byte, len uint32)

//go:wasmimport env sk_set_status
func skSetStatus(text *byte, len uint32)

//go:wasmimport env sk_handle_message
func skHandleMessage(delta *byte, len uint32, version uint32)

//go:wasmimport env sk_get_self_path
func skGetSelfPath(path *byte, len uint32, out *byte, max uint32) int32

//go:wasmimport env sk_register_put_handler
func skRegisterPutHandler(context *byte, contextLen uint32, path *byte, pathLen uint32) int32

type config struct {
	Result  int32 `json:"result"`
	Garbage int   `json:"garbage"`
	Panic   bool  `json:"panic"`
}

var (
	options config
	inits   int
	ticks   int
	litter  []byte
	// Blocks that the host writes to, held so that the collector leaves them.
	blocks = map[*byte][]byte{}
)

func init() { inits++ }

// A reactor has no main, but a Go program must.
func main() {}

func debug(format string, values ...any) {
	text := fmt.Sprintf(format, values...)
	skDebug(unsafe.StringData(text), uint32(len(text)))
}

func emit(path string, value any) {
	update := map[string]any{"values": []any{map[string]any{"path": path, "value": value}}}
	delta, _ := json.Marshal(map[string]any{"updates": []any{update}})
	skHandleMessage(unsafe.SliceData(delta), uint32(len(delta)), 1)
}

func text(at *byte, len uint32) string { return string(unsafe.Slice(at, len)) }

func give(out *byte, max uint32, answer string) uint32 {
	return uint32(copy(unsafe.Slice(out, max), answer))
}

//go:wasmexport allocate
func allocate(size uint32) *byte {
	block := make([]byte, max(size, 1))
	at := unsafe.SliceData(block)
	blocks[at] = block
	return at
}

//go:wasmexport deallocate
func deallocate(at *byte, size uint32) { delete(blocks, at) }

//go:wasmexport plugin_id
func pluginID(out *byte, max uint32) uint32 { return give(out, max, "go-reactor") }

//go:wasmexport plugin_name
func pluginName(out *byte, max uint32) uint32 { return give(out, max, "Go reactor") }

//go:wasmexport plugin_schema
func pluginSchema(out *byte, max uint32) uint32 {
	return give(out, max, `{"type":"object","properties":{"garbage":{"type":"number"}}}`)
}

//go:wasmexport http_endpoints
func httpEndpoints(out *byte, max uint32) uint32 {
	return give(out, max, `[{"method":"GET","path":"/hello","handler":"http_hello"},`+
		`{"method":"GET","path":"/panic","handler":"http_panic"}]`)
}

//go:wasmexport plugin_start
func pluginStart(at *byte, len uint32) int32 {
	given := text(at, len)
	options = config{}
	if err := json.Unmarshal([]byte(given), &options); err != nil {
		debug("config is no JSON: %v", err)
		return 2
	}
	debug("config %s", given)
	debug("init %d", inits)
	debug("file %s", countStarts())
	debug("self %s", self("navigation.speedOverGround"))
	context, path := "vessels.self", "test.go"
	skRegisterPutHandler(unsafe.StringData(context), 12, unsafe.StringData(path), 7)
	go tick()
	status := "Running"
	skSetStatus(unsafe.StringData(status), 7)
	return options.Result
}

func tick() {
	for {
		time.Sleep(20 * time.Millisecond)
		ticks++
	}
}

func countStarts() string {
	before, _ := os.ReadFile("/data/starts")
	count, _ := strconv.Atoi(strings.TrimSpace(string(before)))
	count++
	if err := os.WriteFile("/data/starts", []byte(strconv.Itoa(count)), 0o600); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d starts", count)
}

func self(path string) string {
	out := make([]byte, 1024)
	n := skGetSelfPath(unsafe.StringData(path), uint32(len(path)), unsafe.SliceData(out), 1024)
	return string(out[:max(n, 0)])
}

//go:wasmexport plugin_stop
func pluginStop() int32 {
	debug("stopped")
	return 0
}

//go:wasmexport poll
func poll() int32 {
	if options.Panic {
		panic("asked to panic")
	}
	time.Sleep(50 * time.Millisecond)
	for range options.Garbage {
		litter = make([]byte, 1<<20)
	}
	debug("polled, %d ticks", ticks)
	return 0
}

//go:wasmexport delta_handler
func deltaHandler(at *byte, len uint32) {
	if delta := text(at, len); strings.Contains(delta, "test.go.question") {
		debug("delta %s", delta)
		emit("test.go.answer", true)
	}
}

//go:wasmexport http_hello
func httpHello(at *byte, len uint32, out *byte, max uint32) uint32 {
	answer, _ := json.Marshal(map[string]any{"body": map[string]any{"request": json.RawMessage(text(at, len))}})
	return give(out, max, string(answer))
}

//go:wasmexport http_panic
func httpPanic(at *byte, len uint32, out *byte, max uint32) uint32 { panic("asked to panic") }

//go:wasmexport handle_put_vessels_self_test_go
func handlePut(at *byte, len uint32, out *byte, max uint32) uint32 {
	value := text(at, len)
	emit("test.go.put", json.RawMessage(value))
	answer, _ := json.Marshal(map[string]any{"state": "COMPLETED", "statusCode": 200, "message": value})
	return give(out, max, string(answer))
}
