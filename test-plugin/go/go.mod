module signalk-host/test-plugin/go

go 1.24
