//go:build wasip1

// Counts the distance sailed and keeps it in a file, so that it outlives a restart; the web page of
// the plugin may read it and begin a new trip. What the server is told is here, what crosses the
// border to it is in abi.go.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

const file = "/data/metres"

var (
	metres  float64
	seconds int
)

//go:wasmexport plugin_name
func pluginName(out *byte, room uint32) uint32 { return give(out, room, "Trip log") }

//go:wasmexport plugin_schema
func pluginSchema(out *byte, room uint32) uint32 {
	return give(out, room, `{"type":"object","properties":{}}`)
}

//go:wasmexport http_endpoints
func httpEndpoints(out *byte, room uint32) uint32 {
	return give(out, room, `[{"method":"GET","path":"/trip","handler":"get_trip"},`+
		`{"method":"POST","path":"/reset","handler":"post_reset"}]`)
}

//go:wasmexport plugin_start
func pluginStart(config *byte, length uint32) int32 {
	// No file: the first trip.
	if kept, err := os.ReadFile(file); err == nil {
		metres, _ = strconv.ParseFloat(strings.TrimSpace(string(kept)), 64)
	}
	tell()
	return 0
}

//go:wasmexport plugin_stop
func pluginStop() int32 { return keep() }

// Called once a second, so metres per second are metres.
//
//go:wasmexport poll
func poll() int32 {
	speed, err := strconv.ParseFloat(selfPath("navigation.speedOverGround.value"), 64)
	// No speed, or one at rest that is only noise.
	if err != nil || speed < 0.2 {
		return 0
	}
	metres += speed
	tell()
	if seconds++; seconds%60 == 0 {
		return keep()
	}
	return 0
}

//go:wasmexport get_trip
func getTrip(request *byte, length uint32, out *byte, room uint32) uint32 {
	return give(out, room, fmt.Sprintf(`{"body":{"metres":%.1f}}`, metres))
}

//go:wasmexport post_reset
func postReset(request *byte, length uint32, out *byte, room uint32) uint32 {
	metres = 0
	tell()
	if keep() != 0 {
		return give(out, room, `{"statusCode":500,"body":{"error":"the file cannot be written"}}`)
	}
	return give(out, room, `{"statusCode":204}`)
}

func tell() {
	setStatus(fmt.Sprintf("%.2f nautical miles", metres/1852))
	emit(fmt.Sprintf(`{"updates":[{"values":[{"path":"navigation.trip.log","value":%.1f}]}]}`, metres))
}

func keep() int32 {
	if err := os.WriteFile(file, []byte(strconv.FormatFloat(metres, 'f', 1, 64)), 0o600); err != nil {
		setStatus(err.Error())
		return 1
	}
	return 0
}
