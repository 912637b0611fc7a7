//go:build wasip1

// The 62 imports of `env`, those of AssemblyScript among them, with the types of plugin ABI chapter 4, and the
// twelve of EXTENSIONS.md for HTTP and WebSockets.

package main

var envCalls = map[string]call{
	"sk_debug":          {2, func(n []int64) int32 { skDebug(int32(n[0]), int32(n[1])); return 0 }},
	"sk_set_status":     {2, func(n []int64) int32 { skSetStatus(int32(n[0]), int32(n[1])); return 0 }},
	"sk_set_error":      {2, func(n []int64) int32 { skSetError(int32(n[0]), int32(n[1])); return 0 }},
	"sk_get_self_path":  {4, func(n []int64) int32 { return skGetSelfPath(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])) }},
	"sk_get_path":       {4, func(n []int64) int32 { return skGetPath(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])) }},
	"sk_handle_message": {3, func(n []int64) int32 { skHandleMessage(int32(n[0]), int32(n[1]), int32(n[2])); return 0 }},
	"sk_publish_notification": {4, func(n []int64) int32 {
		return skPublishNotification(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]))
	}},
	"sk_read_config":                {2, func(n []int64) int32 { return skReadConfig(int32(n[0]), int32(n[1])) }},
	"sk_save_config":                {2, func(n []int64) int32 { return skSaveConfig(int32(n[0]), int32(n[1])) }},
	"sk_has_capability":             {2, func(n []int64) int32 { return skHasCapability(int32(n[0]), int32(n[1])) }},
	"sk_register_put_handler":       {4, func(n []int64) int32 { return skRegisterPutHandler(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])) }},
	"sk_register_resource_provider": {2, func(n []int64) int32 { return skRegisterResourceProvider(int32(n[0]), int32(n[1])) }},
	"sk_register_weather_provider":  {2, func(n []int64) int32 { return skRegisterWeatherProvider(int32(n[0]), int32(n[1])) }},
	"sk_register_radar_provider":    {2, func(n []int64) int32 { return skRegisterRadarProvider(int32(n[0]), int32(n[1])) }},
	"sk_emit_binary_stream":         {4, func(n []int64) int32 { return skEmitBinaryStream(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])) }},
	"sk_radar_emit_spokes":          {4, func(n []int64) int32 { return skRadarEmitSpokes(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])) }},
	"sk_udp_create":                 {1, func(n []int64) int32 { return skUdpCreate(int32(n[0])) }},
	"sk_udp_bind":                   {2, func(n []int64) int32 { return skUdpBind(int32(n[0]), int32(n[1])) }},
	"sk_udp_join_multicast": {5, func(n []int64) int32 {
		return skUdpJoinMulticast(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]), int32(n[4]))
	}},
	"sk_udp_leave_multicast": {5, func(n []int64) int32 {
		return skUdpLeaveMulticast(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]), int32(n[4]))
	}},
	"sk_udp_set_multicast_ttl":      {2, func(n []int64) int32 { return skUdpSetMulticastTtl(int32(n[0]), int32(n[1])) }},
	"sk_udp_set_multicast_loopback": {2, func(n []int64) int32 { return skUdpSetMulticastLoopback(int32(n[0]), int32(n[1])) }},
	"sk_udp_set_broadcast":          {2, func(n []int64) int32 { return skUdpSetBroadcast(int32(n[0]), int32(n[1])) }},
	"sk_udp_send": {6, func(n []int64) int32 {
		return skUdpSend(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]), int32(n[4]), int32(n[5]))
	}},
	"sk_udp_recv": {5, func(n []int64) int32 {
		return skUdpRecv(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]), int32(n[4]))
	}},
	"sk_udp_pending":             {1, func(n []int64) int32 { return skUdpPending(int32(n[0])) }},
	"sk_udp_close":               {1, func(n []int64) int32 { skUdpClose(int32(n[0])); return 0 }},
	"sk_tcp_create":              {0, func(n []int64) int32 { return skTcpCreate() }},
	"sk_tcp_connect":             {4, func(n []int64) int32 { return skTcpConnect(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])) }},
	"sk_tcp_connected":           {1, func(n []int64) int32 { return skTcpConnected(int32(n[0])) }},
	"sk_tcp_set_line_buffering":  {2, func(n []int64) int32 { return skTcpSetLineBuffering(int32(n[0]), int32(n[1])) }},
	"sk_tcp_send":                {3, func(n []int64) int32 { return skTcpSend(int32(n[0]), int32(n[1]), int32(n[2])) }},
	"sk_tcp_recv_line":           {3, func(n []int64) int32 { return skTcpRecvLine(int32(n[0]), int32(n[1]), int32(n[2])) }},
	"sk_tcp_recv_raw":            {3, func(n []int64) int32 { return skTcpRecvRaw(int32(n[0]), int32(n[1]), int32(n[2])) }},
	"sk_tcp_pending":             {1, func(n []int64) int32 { return skTcpPending(int32(n[0])) }},
	"sk_tcp_close":               {1, func(n []int64) int32 { skTcpClose(int32(n[0])); return 0 }},
	"sk_exec_command":            {4, func(n []int64) int32 { return skExecCommand(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])) }},
	"sk_subscribe_events":        {2, func(n []int64) int32 { return skSubscribeEvents(int32(n[0]), int32(n[1])) }},
	"sk_emit_event":              {4, func(n []int64) int32 { return skEmitEvent(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])) }},
	"sk_get_allowed_event_types": {2, func(n []int64) int32 { return skGetAllowedEventTypes(int32(n[0]), int32(n[1])) }},
	"sk_log_debug":               {2, func(n []int64) int32 { skLogDebug(int32(n[0]), int32(n[1])); return 0 }},
	"sk_log_info":                {2, func(n []int64) int32 { skLogInfo(int32(n[0]), int32(n[1])); return 0 }},
	"sk_log_warn":                {2, func(n []int64) int32 { skLogWarn(int32(n[0]), int32(n[1])); return 0 }},
	"sk_emit_delta":              {2, func(n []int64) int32 { skEmitDelta(int32(n[0]), int32(n[1])); return 0 }},
	"sk_set_plugin_error":        {2, func(n []int64) int32 { skSetPluginError(int32(n[0]), int32(n[1])); return 0 }},
	"sk_udp_recv_from": {5, func(n []int64) int32 {
		return skUdpRecvFrom(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]), int32(n[4]))
	}},
	"sk_http_request":    {4, func(n []int64) int32 { return skHttpRequest(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])) }},
	"sk_http_response":   {2, func(n []int64) int32 { return skHttpResponse(int32(n[0]), int32(n[1])) }},
	"sk_http_last_error": {2, func(n []int64) int32 { return skHttpLastError(int32(n[0]), int32(n[1])) }},
	"sk_http_open":       {2, func(n []int64) int32 { return skHttpOpen(int32(n[0]), int32(n[1])) }},
	"sk_http_send":       {3, func(n []int64) int32 { return skHttpSend(int32(n[0]), int32(n[1]), int32(n[2])) }},
	"sk_http_finish":     {3, func(n []int64) int32 { return skHttpFinish(int32(n[0]), int32(n[1]), int32(n[2])) }},
	"sk_http_read":       {3, func(n []int64) int32 { return skHttpRead(int32(n[0]), int32(n[1]), int32(n[2])) }},
	"sk_http_close":      {1, func(n []int64) int32 { return skHttpClose(int32(n[0])) }},
	"sk_ws_connect":      {4, func(n []int64) int32 { return skWsConnect(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])) }},
	"sk_ws_send":         {4, func(n []int64) int32 { return skWsSend(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])) }},
	"sk_ws_receive": {5, func(n []int64) int32 {
		return skWsReceive(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]), int32(n[4]))
	}},
	"sk_ws_close":                     {2, func(n []int64) int32 { return skWsClose(int32(n[0]), int32(n[1])) }},
	"sk_tcp_connect_tls":              {4, func(n []int64) int32 { return skTcpConnectTls(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])) }},
	"sk_tcp_listen":                   {3, func(n []int64) int32 { return skTcpListen(int32(n[0]), int32(n[1]), int32(n[2])) }},
	"sk_tcp_accept":                   {3, func(n []int64) int32 { return skTcpAccept(int32(n[0]), int32(n[1]), int32(n[2])) }},
	"sk_tcp_last_error":               {3, func(n []int64) int32 { return skTcpLastError(int32(n[0]), int32(n[1]), int32(n[2])) }},
	"sk_register_delta_input_handler": {2, func(n []int64) int32 { return skRegisterDeltaInputHandler(int32(n[0]), int32(n[1])) }},
	"sk_call": {6, func(n []int64) int32 {
		return skCall(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]), int32(n[4]), int32(n[5]))
	}},
	"sk_call_answer": {2, func(n []int64) int32 { return skCallAnswer(int32(n[0]), int32(n[1])) }},
	"sk_call_error":  {2, func(n []int64) int32 { return skCallError(int32(n[0]), int32(n[1])) }},
	"abort":                           {4, func(n []int64) int32 { abort(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])); return 0 }},
	"seed":                            {0, func(n []int64) int32 { return isNumber(seed()) }},
	"trace": {7, func(n []int64) int32 {
		trace(int32(n[0]), int32(n[1]), float64(n[2]), float64(n[3]), float64(n[4]), float64(n[5]), float64(n[6]))
		return 0
	}},
	"console.log":     {1, func(n []int64) int32 { consoleLog(int32(n[0])); return 0 }},
	"console.debug":   {1, func(n []int64) int32 { consoleDebug(int32(n[0])); return 0 }},
	"console.info":    {1, func(n []int64) int32 { consoleInfo(int32(n[0])); return 0 }},
	"console.warn":    {1, func(n []int64) int32 { consoleWarn(int32(n[0])); return 0 }},
	"console.error":   {1, func(n []int64) int32 { consoleError(int32(n[0])); return 0 }},
	"console.time":    {1, func(n []int64) int32 { consoleTime(int32(n[0])); return 0 }},
	"console.timeLog": {1, func(n []int64) int32 { consoleTimeLog(int32(n[0])); return 0 }},
	"console.timeEnd": {1, func(n []int64) int32 { consoleTimeEnd(int32(n[0])); return 0 }},
	"console.assert":  {2, func(n []int64) int32 { consoleAssert(int32(n[0]), int32(n[1])); return 0 }},
	"Date.now":        {0, func(n []int64) int32 { return isNumber(dateNow()) }},
	"performance.now": {0, func(n []int64) int32 { return isNumber(performanceNow()) }},
	"process.exit":    {1, func(n []int64) int32 { processExit(int32(n[0])); return 0 }},
	"Math.random":     {0, func(n []int64) int32 { return isNumber(mathRandom()) }},
}

//go:wasmimport env sk_debug
func skDebug(text, size int32)

//go:wasmimport env sk_set_status
func skSetStatus(text, size int32)

//go:wasmimport env sk_set_error
func skSetError(text, size int32)

//go:wasmimport env sk_get_self_path
func skGetSelfPath(path, size, out, most int32) int32

//go:wasmimport env sk_get_path
func skGetPath(path, size, out, most int32) int32

//go:wasmimport env sk_handle_message
func skHandleMessage(delta, size, version int32)

//go:wasmimport env sk_publish_notification
func skPublishNotification(path, pathLen, value, valueLen int32) int32

//go:wasmimport env sk_read_config
func skReadConfig(out, most int32) int32

//go:wasmimport env sk_save_config
func skSaveConfig(json, size int32) int32

//go:wasmimport env sk_has_capability
func skHasCapability(name, size int32) int32

//go:wasmimport env sk_register_put_handler
func skRegisterPutHandler(context, contextLen, path, pathLen int32) int32

//go:wasmimport env sk_register_resource_provider
func skRegisterResourceProvider(kind, size int32) int32

//go:wasmimport env sk_register_weather_provider
func skRegisterWeatherProvider(name, size int32) int32

//go:wasmimport env sk_register_radar_provider
func skRegisterRadarProvider(name, size int32) int32

//go:wasmimport env sk_emit_binary_stream
func skEmitBinaryStream(stream, streamLen, data, dataLen int32) int32

//go:wasmimport env sk_radar_emit_spokes
func skRadarEmitSpokes(radar, radarLen, data, dataLen int32) int32

//go:wasmimport env sk_udp_create
func skUdpCreate(kind int32) int32

//go:wasmimport env sk_udp_bind
func skUdpBind(id, port int32) int32

//go:wasmimport env sk_udp_join_multicast
func skUdpJoinMulticast(id, group, groupLen, of, interfaceLen int32) int32

//go:wasmimport env sk_udp_leave_multicast
func skUdpLeaveMulticast(id, group, groupLen, of, interfaceLen int32) int32

//go:wasmimport env sk_udp_set_multicast_ttl
func skUdpSetMulticastTtl(id, ttl int32) int32

//go:wasmimport env sk_udp_set_multicast_loopback
func skUdpSetMulticastLoopback(id, on int32) int32

//go:wasmimport env sk_udp_set_broadcast
func skUdpSetBroadcast(id, on int32) int32

//go:wasmimport env sk_udp_send
func skUdpSend(id, address, addressLen, port, data, dataLen int32) int32

//go:wasmimport env sk_udp_recv
func skUdpRecv(id, out, most, addressOut, portOut int32) int32

//go:wasmimport env sk_udp_pending
func skUdpPending(id int32) int32

//go:wasmimport env sk_udp_close
func skUdpClose(id int32)

//go:wasmimport env sk_tcp_create
func skTcpCreate() int32

//go:wasmimport env sk_tcp_connect
func skTcpConnect(id, address, addressLen, port int32) int32

//go:wasmimport env sk_tcp_connected
func skTcpConnected(id int32) int32

//go:wasmimport env sk_tcp_set_line_buffering
func skTcpSetLineBuffering(id, on int32) int32

//go:wasmimport env sk_tcp_send
func skTcpSend(id, data, size int32) int32

//go:wasmimport env sk_tcp_recv_line
func skTcpRecvLine(id, out, most int32) int32

//go:wasmimport env sk_tcp_recv_raw
func skTcpRecvRaw(id, out, most int32) int32

//go:wasmimport env sk_tcp_pending
func skTcpPending(id int32) int32

//go:wasmimport env sk_tcp_close
func skTcpClose(id int32)

//go:wasmimport env sk_exec_command
func skExecCommand(command, size, out, most int32) int32

//go:wasmimport env sk_subscribe_events
func skSubscribeEvents(json, size int32) int32

//go:wasmimport env sk_emit_event
func skEmitEvent(kind, kindLen, data, dataLen int32) int32

//go:wasmimport env sk_get_allowed_event_types
func skGetAllowedEventTypes(out, most int32) int32

//go:wasmimport env sk_log_debug
func skLogDebug(text, size int32)

//go:wasmimport env sk_log_info
func skLogInfo(text, size int32)

//go:wasmimport env sk_log_warn
func skLogWarn(text, size int32)

//go:wasmimport env sk_emit_delta
func skEmitDelta(delta, size int32)

//go:wasmimport env sk_set_plugin_error
func skSetPluginError(text, size int32)

//go:wasmimport env sk_udp_recv_from
func skUdpRecvFrom(id, out, most, addressOut, portOut int32) int32

//go:wasmimport env sk_http_request
func skHttpRequest(request, length, out, most int32) int32

//go:wasmimport env sk_http_response
func skHttpResponse(out, most int32) int32

//go:wasmimport env sk_http_last_error
func skHttpLastError(out, most int32) int32

//go:wasmimport env sk_http_open
func skHttpOpen(request, length int32) int32

//go:wasmimport env sk_http_send
func skHttpSend(id, data, length int32) int32

//go:wasmimport env sk_http_finish
func skHttpFinish(id, out, most int32) int32

//go:wasmimport env sk_http_read
func skHttpRead(id, out, most int32) int32

//go:wasmimport env sk_http_close
func skHttpClose(id int32) int32

//go:wasmimport env sk_ws_connect
func skWsConnect(url, urlLength, options, optionsLength int32) int32

//go:wasmimport env sk_ws_send
func skWsSend(id, data, length, binary int32) int32

//go:wasmimport env sk_ws_receive
func skWsReceive(id, out, most, timeout, kindOut int32) int32

//go:wasmimport env sk_ws_close
func skWsClose(id, code int32) int32

//go:wasmimport env sk_tcp_connect_tls
func skTcpConnectTls(id, address, addressLength, port int32) int32

//go:wasmimport env sk_tcp_listen
func skTcpListen(address, addressLength, port int32) int32

//go:wasmimport env sk_tcp_accept
func skTcpAccept(id, addressOut, portOut int32) int32

//go:wasmimport env sk_tcp_last_error
func skTcpLastError(id, out, most int32) int32

//go:wasmimport env sk_register_delta_input_handler
func skRegisterDeltaInputHandler(wish, length int32) int32

//go:wasmimport env sk_call
func skCall(method, methodLength, params, paramsLength, out, most int32) int32

//go:wasmimport env sk_call_answer
func skCallAnswer(out, most int32) int32

//go:wasmimport env sk_call_error
func skCallError(out, most int32) int32

//go:wasmimport env abort
func abort(message, file, line, column int32)

//go:wasmimport env seed
func seed() float64

//go:wasmimport env trace
func trace(message, count int32, a, b, c, d, e float64)

//go:wasmimport env console.log
func consoleLog(text int32)

//go:wasmimport env console.debug
func consoleDebug(text int32)

//go:wasmimport env console.info
func consoleInfo(text int32)

//go:wasmimport env console.warn
func consoleWarn(text int32)

//go:wasmimport env console.error
func consoleError(text int32)

//go:wasmimport env console.time
func consoleTime(label int32)

//go:wasmimport env console.timeLog
func consoleTimeLog(label int32)

//go:wasmimport env console.timeEnd
func consoleTimeEnd(label int32)

//go:wasmimport env console.assert
func consoleAssert(holds, message int32)

//go:wasmimport env Date.now
func dateNow() float64

//go:wasmimport env performance.now
func performanceNow() float64

//go:wasmimport env process.exit
func processExit(code int32)

//go:wasmimport env Math.random
func mathRandom() float64
