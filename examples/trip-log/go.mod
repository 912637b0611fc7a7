module example.com/trip-log

go 1.24
