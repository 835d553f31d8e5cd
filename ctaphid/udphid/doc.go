// Package udphid speaks the wire between firmware simulators and their hosts:
// one UDP datagram of 64 bytes for each report, nothing else. Simulators of
// solo1, canokey-core, OpenSK and others listen at 127.0.0.1:8111 and answer to
// port 7112 of the same machine.
//
// [Dial] is the host's end, for a simulator somebody else runs; [Listen] is the
// key's, which lends a software key to a test suite made for simulators.
//
//	dev, err := udphid.Dial(ctx, "127.0.0.1:8111")
//	conn, err := ctaphid.Open(ctx, dev, nil)
//
// UDP may drop datagrams and has neither encryption nor a check of who sends:
// use it within one machine.
package udphid
