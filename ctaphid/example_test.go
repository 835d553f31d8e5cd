package ctaphid_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gofido/fido/ctaphid"
)

// tinyKey is a key that has one CTAP2 request, selection (0x0b), which waits
// for a touch that never comes, and answers all others with success.
type tinyKey struct{}

func (tinyKey) CBOR(ctx context.Context, session uint64, dst, request []byte, waiting func(status byte)) []byte {
	if request[0] != 0x0b {
		return append(dst, 0x00)
	}
	waiting(ctaphid.StatusUPNeeded)
	<-ctx.Done()
	return append(dst, 0x2d) // KEEPALIVE_CANCEL
}

func (tinyKey) MSG(ctx context.Context, session uint64, dst, apdu []byte) []byte {
	return append(dst, "U2F_V2\x90\x00"...)
}

// connect plugs the tiny key in and opens a channel on it.
func connect() *ctaphid.Conn {
	conn, err := ctaphid.Open(context.Background(), ctaphid.Loopback(tinyKey{}), nil)
	if err != nil {
		panic(err)
	}
	return conn
}

func ExampleOpen() {
	conn, err := ctaphid.Open(context.Background(), ctaphid.Loopback(tinyKey{}), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	info := conn.Info()
	fmt.Printf("CTAPHID version %d, %v\n", info.ProtocolVersion, info.Capabilities)
	// Output: CTAPHID version 2, WINK, CBOR
}

func ExampleConn_CBOR() {
	conn := connect()
	defer conn.Close()
	getInfo := []byte{0x04}
	reply, err := conn.CBOR(context.Background(), nil, getInfo, nil)
	fmt.Printf("%x %v\n", reply, err)
	// Output: 00 <nil>
}

// A request that waits for the user until somebody cancels it.
func ExampleConn_CBOR_cancel() {
	conn := connect()
	defer conn.Close()
	ctx, cancel := context.WithCancel(context.Background())
	selection := []byte{0x0b}
	_, err := conn.CBOR(ctx, nil, selection, func(status byte) {
		if status == ctaphid.StatusUPNeeded {
			fmt.Println("Touch your key.")
			cancel()
		}
	})
	fmt.Println(errors.Is(err, context.Canceled))
	// Output:
	// Touch your key.
	// true
}

func ExampleConn_MSG() {
	conn := connect()
	defer conn.Close()
	version := []byte{0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00}
	reply, err := conn.MSG(context.Background(), nil, version)
	fmt.Printf("%q %v\n", reply, err)
	// Output: "U2F_V2\x90\x00" <nil>
}

func ExampleConn_Ping() {
	conn := connect()
	defer conn.Close()
	reply, err := conn.Ping(context.Background(), nil, []byte("Hello FIDO"))
	fmt.Printf("%s %v\n", reply, err)
	// Output: Hello FIDO <nil>
}

func ExampleConn_Wink() {
	conn := connect()
	defer conn.Close()
	if conn.Info().Capabilities&ctaphid.CapabilityWink != 0 {
		fmt.Println(conn.Wink(context.Background()))
	}
	// Output: <nil>
}

// Ten seconds in which no other program gets the key, and their early end.
func ExampleConn_Lock() {
	conn := connect()
	defer conn.Close()
	fmt.Println(conn.Lock(context.Background(), 10*time.Second))
	fmt.Println(conn.Lock(context.Background(), 0))
	// Output:
	// <nil>
	// <nil>
}

func ExampleConn_Vendor() {
	conn := connect()
	defer conn.Close()
	_, err := conn.Vendor(context.Background(), nil, 0x41, []byte{1})
	fmt.Println(errors.Is(err, ctaphid.ErrInvalidCmd))
	// Output: true
}

func ExampleConn_Resync() {
	conn := connect()
	defer conn.Close()
	before := conn.Info().CID
	err := conn.Resync(context.Background())
	fmt.Println(err, conn.Info().CID == before)
	// Output: <nil> true
}

// A trace of all reports with their meaning.
func ExampleConfig_trace() {
	config := &ctaphid.Config{Trace: func(e ctaphid.TraceEvent) {
		if p, err := ctaphid.ParsePacket(e.Report); err == nil && p.CID != ctaphid.BroadcastCID {
			fmt.Println(e.String()[:1], e.String()[len("> 00000000 "):]) // without the channel
		}
	}}
	conn, err := ctaphid.Open(context.Background(), ctaphid.Loopback(tinyKey{}), config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	conn.Ping(context.Background(), nil, make([]byte, 100))
	// Output:
	// > PING, 100 bytes
	// > continuation 0
	// < PING, 100 bytes
	// < continuation 0
}

// A message is cut into packets of 16 bytes and joined again.
func ExampleAssembler() {
	m := ctaphid.Message{CID: 0x00220002, Command: ctaphid.CommandPing, Data: []byte("a message of three packets")}
	packets, err := ctaphid.PacketCount(16, len(m.Data))
	if err != nil {
		fmt.Println(err)
		return
	}
	var a ctaphid.Assembler
	for i := range packets {
		report := ctaphid.AppendPacket(nil, 16, m, i)
		fmt.Printf("%x %v\n", report, a.Push(report))
	}
	fmt.Printf("%s\n", a.Message().Data)
	// Output:
	// 0022000281001a61206d657373616765 incomplete
	// 0022000200206f662074687265652070 incomplete
	// 002200020161636b6574730000000000 complete
	// a message of three packets
}

func ExampleParsePacket() {
	p, err := ctaphid.ParsePacket([]byte{0x00, 0x22, 0x00, 0x02, 0xbb, 0x00, 0x01, 0x02})
	fmt.Println(p, err)
	// Output: 00220002 KEEPALIVE, waiting for the user <nil>
}

func ExampleParseInitInfo() {
	reply := []byte{
		0x80, 0x43, 0x56, 0x40, 0xb1, 0x4e, 0xd9, 0x2d, // nonce
		0x00, 0x22, 0x00, 0x02, // channel
		0x02, 0x05, 0x02, 0x01, // versions
		0x05, // capabilities
	}
	info, err := ctaphid.ParseInitInfo(reply)
	fmt.Println(info.CID, info.Capabilities, err)
	// Output: 00220002 WINK, CBOR <nil>
}

// Reports that are written to one end are read from the other.
func ExamplePipe() {
	host, key := ctaphid.Pipe(64, 64)
	defer host.Close()
	wink := ctaphid.Message{CID: 0x00220002, Command: ctaphid.CommandWink}
	if err := host.WriteReport(ctaphid.AppendPacket(nil, 64, wink, 0)); err != nil {
		fmt.Println(err)
		return
	}
	p := make([]byte, 64)
	n, err := key.ReadReport(p)
	fmt.Printf("%d bytes, %x, %v\n", n, p[:7], err)
	// Output: 64 bytes, 00220002880000, <nil>
}
