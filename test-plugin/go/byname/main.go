//go:build wasip1

// A plugin in Go that uses methods which have no import of their own, by sk_call: a PUT, a subscription, clients'
// WebSockets, streamed bodies. It does and logs what examples/buffer_by_name.rs says.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unsafe"
)

//go:wasmimport env sk_debug
func skDebug(text *byte, len uint32)

//go:wasmimport env sk_call
func skCall(method *byte, methodLen uint32, params *byte, paramsLen uint32, out *byte, max uint32) int32

//go:wasmimport env sk_call_answer
func skCallAnswer(out *byte, max uint32) int32

//go:wasmimport env sk_call_error
func skCallError(out *byte, max uint32) int32

var (
	hasPut bool
	// Blocks that the host writes to, held so that the collector leaves them.
	blocks = map[*byte][]byte{}
	// What calls answer: an answer that does not fit is read again with more room.
	room = make([]byte, 1024)
)

// A reactor has no main, but a Go program must.
func main() {}

func debug(format string, values ...any) {
	text := fmt.Sprintf(format, values...)
	skDebug(unsafe.StringData(text), uint32(len(text)))
}

func call(method string, params any) (string, error) {
	given, err := json.Marshal(params)
	if err != nil {
		return "", err
	}
	n := skCall(unsafe.StringData(method), uint32(len(method)), unsafe.SliceData(given), uint32(len(given)),
		unsafe.SliceData(room), uint32(len(room)))
	if int(n) > len(room) {
		room = make([]byte, n)
		n = skCallAnswer(unsafe.SliceData(room), uint32(len(room)))
	}
	if n < 0 {
		why := make([]byte, 4096)
		size := skCallError(unsafe.SliceData(why), uint32(len(why)))
		return "", errors.New(string(why[:min(max(size, 0), 4096)]))
	}
	return string(room[:n]), nil
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

//go:wasmexport plugin_name
func pluginName(out *byte, max uint32) uint32 { return give(out, max, "Methods by name, in Go") }

//go:wasmexport http_endpoints
func httpEndpoints(out *byte, max uint32) uint32 {
	return give(out, max, `[{"method":"POST","path":"/count","handler":"count","stream":true},`+
		`{"method":"GET","path":"/down","handler":"down","stream":true}]`)
}

//go:wasmexport plugin_start
func pluginStart(at *byte, len uint32) int32 {
	_, err := call("websocket.register", map[string]any{"paths": []string{"/live"}, "access": "readonly"})
	if err == nil {
		_, err = call("deltas.subscribe", map[string]any{"path": "navigation.speedOverGround", "period": 1000})
	}
	if err != nil {
		debug("%v", err)
		return 1
	}
	return 0
}

//go:wasmexport plugin_stop
func pluginStop() int32 { return 0 }

//go:wasmexport poll
func poll() int32 {
	if hasPut {
		return 0
	}
	hasPut = true
	answer, err := call("put.send", map[string]any{"path": "steering.target", "value": 1.5})
	if err != nil {
		answer = err.Error()
	}
	debug("put %s", answer)
	return 0
}

//go:wasmexport delta_handler
func deltaHandler(at *byte, len uint32) {
	if strings.Contains(text(at, len), `"navigation.speedOverGround"`) {
		debug("delta")
	}
}

//go:wasmexport on_event
func onEvent(at *byte, len uint32) {
	var event struct {
		Method string
		Params struct {
			Connection uint64  `json:"connection"`
			Text       *string `json:"text,omitempty"`
			Data       *string `json:"data,omitempty"`
		}
	}
	if err := json.Unmarshal([]byte(text(at, len)), &event); err != nil {
		debug("%v", err)
		return
	}
	var err error
	switch event.Method {
	case "websocket.opened":
		_, err = call("websocket.send", map[string]any{"connection": event.Params.Connection, "text": "hello"})
	case "websocket.message":
		_, err = call("websocket.send", event.Params)
	case "websocket.closed":
		debug("closed")
	}
	if err != nil {
		debug("%v", err)
	}
}

func exchange(at *byte, len uint32) uint64 {
	var request struct{ Exchange uint64 }
	_ = json.Unmarshal([]byte(text(at, len)), &request)
	return request.Exchange
}

//go:wasmexport count
func count(at *byte, size uint32, out *byte, max uint32) uint32 {
	id, pieces := exchange(at, size), 0
	for {
		piece, err := call("http.read", []any{id})
		if err != nil {
			debug("left")
			return give(out, max, `{"statusCode":500}`)
		}
		if strings.Contains(piece, `"end"`) {
			return give(out, max, fmt.Sprintf(`{"body":{"pieces":%d}}`, pieces))
		}
		pieces++
	}
}

//go:wasmexport down
func down(at *byte, size uint32, out *byte, max uint32) uint32 {
	id := exchange(at, size)
	_, err := call("http.respond", map[string]any{"exchange": id, "headers": map[string]any{"content-length": "2000000"}})
	piece := strings.Repeat("x", 50000)
	for i := 0; err == nil && i < 40; i++ {
		_, err = call("http.write", map[string]any{"exchange": id, "text": piece})
	}
	if err != nil {
		debug("left")
	}
	return give(out, max, "{}")
}
