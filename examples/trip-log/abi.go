//go:build wasip1

package main

import "unsafe"

//go:wasmimport env sk_set_status
func skSetStatus(text *byte, length uint32)

//go:wasmimport env sk_handle_message
func skHandleMessage(delta *byte, length uint32, version uint32)

//go:wasmimport env sk_get_self_path
func skGetSelfPath(path *byte, length uint32, out *byte, room uint32) int32

// A program must have it; a reactor never runs it.
func main() {}

func setStatus(text string) { skSetStatus(unsafe.StringData(text), uint32(len(text))) }

func emit(delta string) { skHandleMessage(unsafe.StringData(delta), uint32(len(delta)), 1) }

// The JSON at this path of our vessel; empty if there is none.
func selfPath(path string) string {
	out := make([]byte, 1024)
	n := skGetSelfPath(unsafe.StringData(path), uint32(len(path)), unsafe.SliceData(out), 1024)
	return string(out[:max(n, 0)])
}

// Writes an answer to where the server wants it: what fits, and how much that is.
func give(out *byte, room uint32, answer string) uint32 {
	return uint32(copy(unsafe.Slice(out, room), answer))
}

// What the server has room in; kept here so that the collector leaves it alone.
var blocks = map[*byte][]byte{}

//go:wasmexport allocate
func allocate(size uint32) *byte {
	block := make([]byte, max(size, 1))
	blocks[&block[0]] = block
	return &block[0]
}

//go:wasmexport deallocate
func deallocate(at *byte, size uint32) { delete(blocks, at) }
