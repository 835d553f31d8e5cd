package pcsc

// controlCode makes the code of a reader's function.
func controlCode(function uint32) uint32 { return 0x31<<16 | function<<2 }
