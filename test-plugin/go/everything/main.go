//go:build wasip1

// A plugin in Go with every import that such a plugin can have: 62 of `env`, seven that only this host
// has, and the 46 of WASI. A
// reactor by the standard toolchain.
//
// Configuration: `start`, a list of calls as in `buffer_everything` (test-plugin/buffer/src/script.rs):
// an argument is a number, a text, `{"max": n}`, `{"out": n}`, `{"iov": "text"}` or
// `{"script": "text"}`. Each is one line of the log, `start sk_udp_create -> 1`; what a call writes is
// not shown.
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"unicode/utf16"
	"unsafe"
)

// How many numbers an import takes, and how it is called with them.
type call struct {
	takes int
	run   func(n []int64) int32
}

// What the host writes to and calls have addresses of; on the heap, where nothing moves.
var blocks = map[int32][]byte{}

// A reactor has no main, but a Go program must.
func main() {}

// A clock or a random number: 1 if it is one from zero on.
func isNumber(value float64) int32 {
	if value >= 0 {
		return 1
	}
	return 0
}

func keep(block []byte) int32 {
	if len(block) == 0 {
		block = make([]byte, 1)
	}
	at := int32(uintptr(unsafe.Pointer(unsafe.SliceData(block))))
	blocks[at] = block
	return at
}

func debug(text string) { skDebug(keep([]byte(text)), int32(len(text))) }

// The numbers that stand for one argument.
func argument(given any) []int64 {
	switch given := given.(type) {
	case float64:
		return []int64{int64(given)}
	case string:
		return []int64{int64(keep([]byte(given))), int64(len(given))}
	case map[string]any:
		for kind, value := range given {
			return special(kind, value)
		}
	}
	return nil
}

func special(kind string, value any) []int64 {
	text, _ := value.(string)
	size, _ := value.(float64)
	switch kind {
	case "iov":
		iovec := binary.LittleEndian.AppendUint32(nil, uint32(keep([]byte(text))))
		iovec = binary.LittleEndian.AppendUint32(iovec, uint32(len(text)))
		return []int64{int64(keep(iovec))}
	case "script":
		// Class and size before the text.
		units := utf16.Encode([]rune(text))
		object := binary.LittleEndian.AppendUint32(nil, 2)
		object = binary.LittleEndian.AppendUint32(object, uint32(2*len(units)))
		for _, unit := range units {
			object = binary.LittleEndian.AppendUint16(object, unit)
		}
		return []int64{int64(keep(object)) + 8}
	case "max":
		return []int64{int64(keep(make([]byte, int(size)))), int64(size)}
	}
	return []int64{int64(keep(make([]byte, int(size))))}
}

// Makes one call; -1000: there is no such import with so many arguments.
func one(given []any) string {
	name, _ := given[0].(string)
	var numbers []int64
	for _, of := range given[1:] {
		numbers = append(numbers, argument(of)...)
	}
	found, ok := envCalls[name]
	if !ok {
		found, ok = wasiCalls[name]
	}
	result := int32(-1000)
	if ok && found.takes == len(numbers) {
		result = found.run(numbers)
	}
	return fmt.Sprintf("%s -> %d", name, result)
}

//go:wasmexport allocate
func allocate(size int32) int32 { return keep(make([]byte, size)) }

//go:wasmexport deallocate
func deallocate(at, size int32) { delete(blocks, at) }

//go:wasmexport plugin_name
func pluginName(out *byte, max int32) int32 {
	return int32(copy(unsafe.Slice(out, max), "Go everything"))
}

//go:wasmexport plugin_start
func pluginStart(at *byte, size int32) int32 {
	var options struct {
		Start [][]any `json:"start"`
	}
	if err := json.Unmarshal(unsafe.Slice(at, size), &options); err != nil {
		debug(err.Error())
		return 2
	}
	for _, given := range options.Start {
		line := one(given)
		debug("start " + line)
	}
	return 0
}

//go:wasmexport plugin_stop
func pluginStop() int32 { return 0 }
