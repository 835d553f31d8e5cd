package ctaphid_test

import (
	"testing"
	"time"

	"github.com/gofido/fido/ctaphid"
)

func TestServer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		script string
	}{
		// INIT
		{"INIT on broadcast/a new channel", `
			> * 86 0008 0102030405060708
			< * 86 0011 0102030405060708 00000004 02 050201 05`},
		{"INIT with a nonce of another length/INVALID_LEN at once", `
			> * 86 0000
			< * bf 0001 03
			> * 86 0007 01020304050607
			< * bf 0001 03
			> * 86 0009 010203040506070809
			< * bf 0001 03
			> * 86 0039
			< * bf 0001 03
			> * 86 003a
			< * bf 0001 03
			> * 00
			> A 86 0007
			< A bf 0001 03`},
		{"INIT on an allocated channel/the same channel", `
			> B 86 0008 0102030405060708
			< B 86 0011 0102030405060708 <B> 02 050201 05`},
		{"INIT while the channel's request is received/dropped, no late error", `
			> A 81 0040
			> A 86 0008 0102030405060708
			< A 86 0011 0102030405060708 <A> 02 050201 05
			> A 00
			. 600ms
			> A 81 0001 aa
			< A 81 0001 aa`},
		{"INIT while the key waits for a touch/dropped, a touch has no effect", `
			> A 90 0001 01
			< A bb 0001 02
			. 50ms
			> A 86 0008 0102030405060708
			< A 86 0011 0102030405060708 <A> 02 050201 05
			touch
			. 1s
			> A 81 0001 aa
			< A 81 0001 aa`},
		{"INIT with a wrong length while the key works/INVALID_LEN, the request goes on", `
			> A 90 0001 01
			< A bb 0001 02
			> A 86 0007
			< A bf 0001 03
			> A 86 0009 010203040506070809
			< A bf 0001 03
			keepalives A 02 2
			touch
			< A 90 0001 00`},
		{"INIT with a wrong length while the channel's request is received/INVALID_LEN, dropped, no late error", `
			> A 81 0040
			> A 86 0007 01020304050607
			< A bf 0001 03
			> A 00
			. 600ms
			> A 81 0001 aa
			< A 81 0001 aa`},
		{"INIT while the handler does not let go/the next CBOR waits for it", `
			> A 90 0001 07
			. 50ms
			> A 86 0008 0102030405060708
			< A 86 0011 0102030405060708 <A> 02 050201 05
			> A 81 0001 aa
			< A 81 0001 aa
			> B 90 0002 05bb
			keepalives B 01 19
			. 49ms
			< B 90 0003 0005bb`},
		{"broadcast INIT while another channel's request is received/served", `
			> A 81 0040
			> * 86 0008 0102030405060708
			< * 86 0011 0102030405060708 00000004 02 050201 05
			> A 00
			< A 81 0040 ee*57
			< A 00 ee*7`},
		{"broadcast INIT while the key waits for a touch/served", `
			> A 90 0001 01
			< A bb 0001 02
			> * 86 0008 0102030405060708
			< * 86 0011 0102030405060708 00000004 02 050201 05
			touch
			< A 90 0001 00`},

		// Channels
		{"anything on channel 0/INVALID_CHANNEL", `
			> 0 81 0000
			< 0 bf 0001 0b
			> 0 86 0008 0102030405060708
			< 0 bf 0001 0b
			> 0 91 0000
			< 0 bf 0001 0b
			> 0 00`},
		{"anything but INIT on broadcast/INVALID_CHANNEL", `
			> * 81 0001 aa
			< * bf 0001 0b
			> * 90 0001 04
			< * bf 0001 0b
			> * 91 0000
			< * bf 0001 0b`},
		{"a channel that is not allocated/INVALID_CHANNEL", `
			> X 81 0001 aa
			< X bf 0001 0b
			> X 86 0008 0102030405060708
			< X bf 0001 0b
			> X 05`},
		{"a channel that is not allocated while another is busy/INVALID_CHANNEL, the other goes on", `
			> A 90 0001 05
			> X 81 0001 aa
			< X bf 0001 0b
			> A 91 0000
			< A 90 0001 2d`},

		// Lengths and commands
		{"PING without data/echoed", `
			> A 81 0000
			< A 81 0000`},
		{"length above the maximum/INVALID_LEN at once", `
			> A 81 1dba
			< A bf 0001 03
			> A 00
			> A 90 ffff
			< A bf 0001 03`},
		{"CBOR without data/INVALID_LEN", `
			> A 90 0000
			< A bf 0001 03`},
		{"MSG with less than a header/INVALID_LEN", `
			> A 83 0000
			< A bf 0001 03
			> A 83 0003 000300
			< A bf 0001 03`},
		{"WINK with data/INVALID_LEN", `
			> A 88 0001 aa
			< A bf 0001 03`},
		{"unknown commands and those of the device/INVALID_CMD", `
			> A e6 0000
			< A bf 0001 01
			> A 82 0000
			< A bf 0001 01
			> A a0 0000
			< A bf 0001 01
			> A bb 0001 01
			< A bf 0001 01
			> A bf 0001 01
			< A bf 0001 01
			> A c0 0000
			< A bf 0001 01
			> A ff 0100
			< A bf 0001 01
			> A 00`},
		{"WINK/empty reply", `
			> A 88 0000
			< A 88 0000`},
		{"MSG/answered", `
			> A 83 0004 00030000
			< A 83 0006 00030000 9000`},
		{"MSG that takes long/no keepalive, CANCEL has no effect", `
			> A 83 0004 00050000
			> A 91 0000
			. 998ms
			. 1ms
			. 500us
			< A 83 0006 00050000 9000`},
		{"two requests back to back/answered in order", `
			> A 81 0001 01
			> A 81 0001 02
			> B 81 0001 03
			< A 81 0001 01
			< A 81 0001 02
			< B 81 0001 03`},
		{"a reply that is empty/OTHER", `
			> A 90 0001 06
			< A bf 0001 7f
			> A 83 0004 00060000
			< A bf 0001 7f`},
		{"a reply longer than a message/OTHER", `
			> A 90 0003 08 1dba
			< A bf 0001 7f`},

		// Sequence
		{"first continuation not 0/INVALID_SEQ, then idle", `
			> A 81 0040
			> A 01
			< A bf 0001 04
			> A 81 0001 aa
			< A 81 0001 aa`},
		{"sequence number left out/INVALID_SEQ", `
			> A 81 0100
			> A 00
			> A 02
			< A bf 0001 04
			> A 03`},
		{"sequence number repeated/INVALID_SEQ", `
			> A 81 0100
			> A 00
			> A 00
			< A bf 0001 04`},
		{"first packet in the middle of the channel's request/INVALID_SEQ", `
			> A 81 0040
			> A 81 0001 aa
			< A bf 0001 04
			> A 00
			> A 81 0001 aa
			< A 81 0001 aa`},
		{"unknown command in the middle of the channel's request/INVALID_SEQ", `
			> A 81 0040
			> A a0 0000
			< A bf 0001 04`},
		{"continuation while idle/ignored", `
			> A 00
			> A 7f
			> B 01`},
		{"continuation of another channel/ignored, the request goes on", `
			> A 83 003a 00010203
			> B 00
			> X 00
			> * 00
			> 0 00
			> A 00
			< A 83 003c 00010203 ee*53
			< A 00 ee9000`},
		{"continuation after the whole request/ignored", `
			> A 81 0001 aa
			> A 00
			< A 81 0001 aa`},
		{"continuation while the key waits for a touch/ignored", `
			> A 90 0001 01
			< A bb 0001 02
			> A 00
			touch
			< A 90 0001 00`},

		// Timeout
		{"the rest of the request does not come/MSG_TIMEOUT after 500 ms", `
			> A 81 0040
			. 499ms
			. 500us
			< A bf 0001 05
			> A 00`},
		{"each continuation in time/the time begins anew", `
			> A 81 0100
			. 400ms
			> A 00
			. 400ms
			> A 01
			. 499ms
			. 500us
			< A bf 0001 05`},
		{"packets of other channels/the time does not begin anew", `
			> A 81 0100
			. 400ms
			> B 81 0000
			< B bf 0001 06
			> B 00
			. 98ms
			. 500us
			< A bf 0001 05`},
		{"after MSG_TIMEOUT/another channel is served", `
			> A 81 0100
			. 300ms
			> B 81 0001 aa
			< B bf 0001 06
			. 199ms
			< A bf 0001 05
			> B 81 0001 aa
			< B 81 0001 aa`},
		{"a whole request in several packets/no deadline is left", `
			> A 90 003a 01
			. 300ms
			> A 00
			< A bb 0001 02
			keepalives A 02 3
			touch
			< A 90 0001 00`},

		// Arbitration
		{"another channel while a request is received/CHANNEL_BUSY, the first goes on", `
			> A 83 003a 00010203
			> B 81 003a aabb
			< B bf 0001 06
			> B 00
			> B 86 0008 0102030405060708
			< B bf 0001 06
			> A 00
			< A 83 003c 00010203 ee*53
			< A 00 ee9000`},
		{"another channel while the key waits for a touch/CHANNEL_BUSY, the first goes on", `
			> A 90 0001 01
			< A bb 0001 02
			> B 90 0001 04
			< B bf 0001 06
			> B 88 0000
			< B bf 0001 06
			touch
			< A 90 0001 00
			> B 90 0001 04
			< B 90 0002 0004`},
		{"the same channel while the key waits for a touch/CHANNEL_BUSY, the first goes on", `
			> A 90 0001 01
			< A bb 0001 02
			> A 90 0001 04
			< A bf 0001 06
			> A 81 0000
			< A bf 0001 06
			touch
			< A 90 0001 00`},

		// Keepalive and cancel
		{"quick request/no keepalive", `
			> A 90 0003 04aabb
			< A 90 0004 0004aabb`},
		{"long work/status 1 every 100 ms", `
			> A 90 0001 05
			keepalives A 01 3
			> A 91 0000
			< A 90 0001 2d`},
		{"waiting for a touch/status 2 at once and every 100 ms", `
			> A 90 0001 01
			< A bb 0001 02
			keepalives A 02 2
			touch
			< A 90 0001 00`},
		{"statuses that change quickly/each is sent once before the reply", `
			> A 90 0007 09 01 02 02 01 02 01
			< A bb 0001 02
			< A bb 0001 01
			< A bb 0001 02
			< A bb 0001 01
			< A 90 0001 00`},
		{"more statuses than are kept/the last is among those sent", `
			> A 90 000d 09 02 03 04 05 06 07 08 09 0a 0b 0c 02
			< A bb 0001 02
			< A bb 0001 03
			< A bb 0001 04
			< A bb 0001 05
			< A bb 0001 06
			< A bb 0001 07
			< A bb 0001 08
			< A bb 0001 02
			< A 90 0001 00`},
		{"a status nobody knows/repeated as it is", `
			> A 90 0001 0b
			< A bb 0001 07
			keepalives A 07 1
			> A 86 0008 0102030405060708
			< A 86 0011 0102030405060708 <A> 02 050201 05`},
		{"a status after the reply/not sent", `
			> A 90 0001 0a
			< A 90 0001 00
			. 600ms`},
		{"a late status while the next request runs/not sent on its channel", `
			> A 90 0001 0a
			< A 90 0001 00
			. 450ms
			> B 90 0001 05
			keepalives B 01 1
			> B 91 0000
			< B 90 0001 2d`},
		{"CANCEL while idle/ignored", `
			> A 91 0000`},
		{"CANCEL while the key waits for a touch/status 2d, then all works at once", `
			> A 90 0001 01
			< A bb 0001 02
			. 50ms
			> A 91 0000
			< A 90 0001 2d
			> A 91 0000
			> A 90 0001 04
			< A 90 0002 0004
			> B 86 0008 0102030405060708
			< B 86 0011 0102030405060708 <B> 02 050201 05`},
		{"CANCEL on another channel/ignored", `
			> A 90 0001 01
			< A bb 0001 02
			> B 91 0000
			keepalives A 02 1
			touch
			< A 90 0001 00`},
		{"CANCEL with data/ignored", `
			> A 90 0001 01
			< A bb 0001 02
			> A 91 0001 aa
			> A 91 0100
			> A 00
			. 1ms
			touch
			< A 90 0001 00`},
		{"CANCEL in the middle of the channel's request/ignored, the request goes on", `
			> A 90 003a 04
			> A 91 0000
			> A 00
			< A 90 003b 00 04 ee*55
			< A 00 eeee`},
		{"CANCEL of a request that waits for the handler/status 2d once the handler is free", `
			> A 90 0001 07
			. 50ms
			> A 86 0008 0102030405060708
			< A 86 0011 0102030405060708 <A> 02 050201 05
			> A 90 0001 01
			keepalives A 01 1
			> A 91 0000
			keepalives A 01 8
			. 49ms
			< A bb 0001 02
			< A 90 0001 2d`},

		// LOCK
		{"LOCK/other channels get CHANNEL_BUSY until it runs out", `
			> A 84 0001 01
			< A 84 0000
			> B 81 0000
			< B bf 0001 06
			> B 86 0008 0102030405060708
			< B bf 0001 06
			> B 91 0000
			> A 81 0001 aa
			< A 81 0001 aa
			> X 81 0000
			< X bf 0001 0b
			. 999ms
			> B 81 0000
			< B bf 0001 06
			. 1ms
			> B 81 0000
			< B 81 0000`},
		{"LOCK/broadcast INIT is served", `
			> A 84 0001 01
			< A 84 0000
			> * 86 0008 0102030405060708
			< * 86 0011 0102030405060708 00000004 02 050201 05`},
		{"LOCK again/the time begins anew", `
			> A 84 0001 01
			< A 84 0000
			. 900ms
			> A 84 0001 01
			< A 84 0000
			. 900ms
			> B 81 0000
			< B bf 0001 06
			. 100ms
			> B 81 0000
			< B 81 0000`},
		{"LOCK 0/released at once", `
			> A 84 0001 0a
			< A 84 0000
			> A 84 0001 00
			< A 84 0000
			> B 81 0000
			< B 81 0000`},
		{"LOCK 10/held for ten seconds", `
			> A 84 0001 0a
			< A 84 0000
			. 9999ms
			> B 84 0001 00
			< B bf 0001 06
			. 1ms
			> B 84 0001 00
			< B 84 0000`},
		{"LOCK 11/INVALID_PAR", `
			> A 84 0001 0b
			< A bf 0001 02
			> B 81 0000
			< B 81 0000`},
		{"LOCK with another length than 1/INVALID_LEN", `
			> A 84 0000
			< A bf 0001 03
			> A 84 0002 0101
			< A bf 0001 03`},
		{"INIT on the locked channel/stays locked", `
			> A 84 0001 01
			< A 84 0000
			> A 86 0008 0102030405060708
			< A 86 0011 0102030405060708 <A> 02 050201 05
			> B 81 0000
			< B bf 0001 06`},

		// Power
		{"power cycle/channels and lock are forgotten, numbers are not reused", `
			> A 84 0001 0a
			< A 84 0000
			power
			> A 81 0000
			< A bf 0001 0b
			> * 86 0008 0102030405060708
			< * 86 0011 0102030405060708 00000004 02 050201 05`},
		{"power cycle while a request is received/no late error", `
			> A 81 0100
			power
			> A 00
			. 1s`},
		{"power cycle while the key waits for a touch/nothing more is sent", `
			> A 90 0001 01
			< A bb 0001 02
			power
			touch
			. 1s`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := newScriptedKey()
			s := ctaphid.NewServer(key, &ctaphid.ServerConfig{Version: [3]byte{5, 2, 1}, Keepalive: 100 * time.Millisecond})
			play(t, key, s, 64, tt.script)
		})
	}
}

func TestServerReportsOf8Bytes(t *testing.T) {
	const init = `
		> * 86 0008 01
		> * 00 020304
		> * 01 050607
		> * 02 08
		< * 86 0011 01
		< * 00 020304
		< * 01 050607
		< * 02 080000
		< * 03 000402
		< * 04 000000
		< * 05 05`
	for _, tt := range []struct {
		name   string
		script string
	}{
		{"INIT in several packets/a new channel", init},
		{"another INIT begins in between/the first is dropped", `
			> * 86 0008 ff
			> * 00 ffffff` + init},
		{"INIT in several packets/aborts the channel's request", `
			> A 90 0001 01
			< A bb 0001 02
			> A 86 0008 01
			. 100ms
			> A 00 020304
			> A 01 050607
			> A 02 08
			< A 86 0011 01
			< A 00 020304
			< A 01 050607
			< A 02 080000
			< A 03 000102
			< A 04 000000
			< A 05 05`},
		{"broadcast INIT while a request is received/CHANNEL_BUSY", `
			> A 81 0002 aa
			> * 86 0008 01
			< * bf 0001 06
			> * 00 020304
			> A 00 bb
			< A 81 0002 aa
			< A 00 bb`},
		{"the rest of the broadcast INIT does not come/MSG_TIMEOUT", `
			> * 86 0008 01
			. 499ms
			< * bf 0001 05`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := newScriptedKey()
			play(t, key, ctaphid.NewServer(key, nil), 8, tt.script)
		})
	}
}
