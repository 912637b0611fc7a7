//go:build wasip1

// A plugin in Go that takes values without JSON, on servers that have them: records are read where they
// are, and names are compared once, when the server says what a number stands for.
//
// It adds up the own vessel's `navigation.speedOverGround`, keeps its position, the text of
// `navigation.state` and the zones of that speed, and says in its log, once a second if something came:
// `12 values, speed 9500, at 60500 24000, state motoring, zones [..], lost 0` (thousandths). On other
// servers `delta_handler` logs `a delta`.
package main

import (
	"fmt"
	"unsafe"
)

//go:wasmimport env sk_debug
func skDebug(text *byte, len uint32)

// The form of values, as EXTENSIONS.md has it.
type text struct{ at, length uint32 }
type header struct{ version, flags, size, lost, heads, headCount, rows, rowCount uint32 }
type head struct {
	number, flags, subscription, reserved uint32
	context, source, path, member         text
}
type row struct {
	head, kind   uint32
	number, time float64
	text         text
}

const (
	forget    = 1
	meta, own = 1, 2
	number    = 3
	members   = 6
)

type wanted uint8

const (
	nothing wanted = iota
	wantSpeed
	wantLatitude
	wantLongitude
	wantState
	wantZones
)

var (
	// Blocks that the host writes to, held so that the collector leaves them.
	blocks                     = map[*byte][]byte{}
	want                       [8192]wanted
	values, lost               uint32
	speed, latitude, longitude float64
	state, zones               string
)

// A reactor has no main, but a Go program must.
func main() {}

func debug(text string) { skDebug(unsafe.StringData(text), uint32(len(text))) }

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
func pluginID(out *byte, max uint32) uint32 { return give(out, max, "go-values") }

//go:wasmexport plugin_name
func pluginName(out *byte, max uint32) uint32 { return give(out, max, "Values in Go") }

//go:wasmexport plugin_schema
func pluginSchema(out *byte, max uint32) uint32 { return give(out, max, "{}") }

//go:wasmexport plugin_start
func pluginStart(at *byte, len uint32) int32 { return 0 }

//go:wasmexport plugin_stop
func pluginStop() int32 { return 0 }

//go:wasmexport poll
func poll() int32 {
	if values > 0 {
		debug(fmt.Sprintf("%d values, speed %.0f, at %.0f %.0f, state %s, zones %s, lost %d",
			values, speed*1000, latitude*1000, longitude*1000, state, zones, lost))
	}
	values = 0
	return 0
}

//go:wasmexport delta_handler
func deltaHandler(at *byte, len uint32) { debug("a delta") }

// A view of the host's bytes: what is kept of it is copied.
func (t text) in(block unsafe.Pointer) string {
	return unsafe.String((*byte)(unsafe.Add(block, t.at)), t.length)
}

func wants(block unsafe.Pointer, head *head) wanted {
	if head.flags&own == 0 {
		return nothing
	}
	switch head.path.in(block) + "/" + head.member.in(block) {
	case "navigation.speedOverGround/":
		if head.flags&meta == 0 {
			return wantSpeed
		}
	case "navigation.speedOverGround/zones":
		return wantZones
	case "navigation.position/latitude":
		return wantLatitude
	case "navigation.position/longitude":
		return wantLongitude
	case "navigation.state/":
		return wantState
	}
	return nothing
}

//go:wasmexport values_handler
func valuesHandler(at *byte, length uint32) {
	block := unsafe.Pointer(at)
	all := (*header)(block)
	if all.version != 1 {
		return
	}
	lost += all.lost
	if all.flags&forget != 0 {
		clear(want[:])
	}
	heads := unsafe.Slice((*head)(unsafe.Add(block, all.heads)), all.headCount)
	for i := range heads {
		want[heads[i].number] = wants(block, &heads[i])
	}
	rows := unsafe.Slice((*row)(unsafe.Add(block, all.rows)), all.rowCount)
	left := 0
	for i := range rows {
		row := &rows[i]
		// An object is one value, and so many rows.
		if left > 0 {
			left--
		} else {
			values++
			if row.kind == members {
				left = int(row.number)
			}
		}
		switch want[row.head] {
		case wantSpeed:
			if row.kind == number {
				speed += row.number
			}
		case wantLatitude:
			latitude = row.number
		case wantLongitude:
			longitude = row.number
		case wantState:
			state = string([]byte(row.text.in(block)))
		case wantZones:
			zones = string([]byte(row.text.in(block)))
		}
	}
}
