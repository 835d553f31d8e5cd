package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hid"
	"github.com/gofido/fido/ctaphid/udphid"
	"github.com/gofido/fido/ctaphid/uhid"
	"github.com/gofido/fido/nfc"
	"github.com/gofido/fido/nfc/vpcd"
	"github.com/spf13/cobra"
)

func (a *app) serveCommand() *cobra.Command {
	s := &serving{app: a}
	c := &cobra.Command{
		Use:   "serve (--uhid | --udp HOST:PORT | --vpcd[=HOST:PORT])",
		Short: "Lend the software key to other programs",
		Long: `Lend the software key to other programs until Ctrl-C.

--uhid makes it a device of this machine's kernel (Linux, as root, module uhid):
browsers, ssh and libfido2 then see a key that is plugged in. --udp makes it a
firmware simulator for test suites. --vpcd holds it to the virtual card reader that
waits there (package vsmartcard-vpcd in the smart-card daemon pcscd).

--profile says which version of the specification it follows: fido23, fido21,
fido20 or u2f.

The user of the software key touches it at once, so do not serve it where its
credentials protect something. With --state the key keeps its credentials in a
file between runs; without, it is new each time.`,
		RunE: func(c *cobra.Command, _ []string) error { return s.run(c.Context()) },
	}
	f := c.Flags()
	f.BoolVar(&s.uhid, "uhid", false, "serve as a HID device of the kernel")
	f.StringVar(&s.udp, "udp", "", "serve as a firmware simulator at `ADDR`, as in 127.0.0.1:8111")
	f.StringVar(&s.vpcd, "vpcd", "", "serve as a card in the virtual reader at `ADDR`")
	f.Lookup("vpcd").NoOptDefVal = "127.0.0.1:" + vpcd.DefaultPort
	f.Uint16Var(&s.replyPort, "reply-port", 0, "send UDP reports to this `PORT` instead of the one the last came from")
	f.BoolVar(&s.powerCycle, "power-cycle", true, "let the simulators' power-cycle datagram restart the key")
	f.StringVar(&s.profile, "profile", "fido23", "the version of the specification: `NAME` is fido23, fido21, fido20 or u2f")
	f.StringVar(&s.state, "state", "", "keep the key's state in this `FILE`")
	c.RegisterFlagCompletionFunc("state", files)
	c.RegisterFlagCompletionFunc("profile", fixed("fido23", "fido21", "fido20", "u2f"))
	return c
}

var profiles = map[string]virtual.Profile{
	"fido23": virtual.FIDO23, "fido21": virtual.FIDO21, "fido20": virtual.FIDO20, "u2f": virtual.U2FOnly,
}

type serving struct {
	*app
	uhid       bool
	udp        string
	vpcd       string
	replyPort  uint16
	powerCycle bool
	profile    string
	state      string
}

// served is the JSON form of a key that is lent from now on.
type served struct {
	Serves string `json:"serves"` // where: "at udp:HOST:PORT", "at vpcd:HOST:PORT" or "as a HID device of this machine"
}

func (s *serving) run(ctx context.Context) error {
	ways := 0
	for _, chosen := range []bool{s.uhid, s.udp != "", s.vpcd != ""} {
		if chosen {
			ways++
		}
	}
	if ways != 1 {
		return badUse("serve needs one of --uhid, --udp ADDR and --vpcd")
	}
	if s.device != "" {
		return badUse("serve lends the software key and takes no --device")
	}
	profile, ok := profiles[s.profile]
	if !ok {
		return badUse("--profile %q is not fido23, fido21, fido20 or u2f", s.profile)
	}
	config := virtual.Config{Profile: profile}
	if s.state != "" {
		storage, err := openFileStorage(s.state)
		if err != nil {
			return err
		}
		defer storage.Close()
		config.Storage = storage
	}
	if s.vpcd != "" {
		return s.card(ctx, config)
	}
	limits := new(ctaphid.ServerConfig)
	if s.uhid {
		limits.MaxMessage = uhid.MaxMessage
		config.Info = func(i *ctap2.GetInfoResponse) { i.MaxMsgSize = min(i.MaxMsgSize, uhid.MaxMessage) }
	}
	limits.Wink = func() { fmt.Fprintln(s.err, "The key winks.") }
	key, err := virtual.New(config)
	if err != nil {
		return err
	}
	server := ctaphid.NewServer(key, limits)
	dev, where, err := s.listen(func() { server.PowerCycle(); key.PowerCycle() })
	if err != nil {
		return err
	}
	defer dev.Close()
	if err := s.result(served{where}, func() {
		fmt.Fprintf(s.folded(s.out), "The software key serves %s. Ctrl-C ends it.\n", where)
	}); err != nil {
		return err
	}
	if err := server.Serve(ctx, dev); err != nil && ctx.Err() == nil {
		return err
	}
	return nil // Ctrl-C is how serving ends
}

// card holds the key to a virtual reader.
func (s *serving) card(ctx context.Context, config virtual.Config) error {
	config.Transports = []string{ctap2.TransportNFC}
	key, err := virtual.New(config)
	if err != nil {
		return err
	}
	if _, _, err := net.SplitHostPort(s.vpcd); err != nil {
		return badUse("--vpcd %q is not HOST:PORT", s.vpcd)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.vpcd)
	if err != nil && ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return problem(exitFailed, "no virtual reader waits for a card at %s: is the smart-card daemon pcscd running, with the package vsmartcard-vpcd?", s.vpcd)
	}
	if err := s.result(served{"at vpcd:" + s.vpcd}, func() {
		fmt.Fprintf(s.folded(s.out), "The software key is held to the virtual reader at %s. Ctrl-C takes it away.\n", s.vpcd)
	}); err != nil {
		return err
	}
	err = vpcd.Serve(ctx, conn, nfc.NewApplet(key, nil)) // which closes conn
	switch {
	case ctx.Err() != nil:
		return nil
	case err == nil:
		return errors.New("the virtual reader has hung up: is the smart-card daemon still there?")
	}
	return err
}

func (s *serving) listen(powerCycle func()) (ctaphid.Device, string, error) {
	if s.uhid {
		dev, err := uhid.Create(nil)
		if err != nil {
			return nil, "", err
		}
		return dev, "as a HID device of this machine", nil
	}
	o := &udphid.ListenOptions{ReplyPort: s.replyPort}
	if s.powerCycle {
		o.PowerCycle = powerCycle
	}
	l, err := udphid.Listen(s.udp, o)
	if errors.Is(err, errInUse) {
		return nil, "", because(err, "another program has the address %s: end that program, or choose another port", hid.Text(s.udp))
	}
	if err != nil {
		return nil, "", err
	}
	return l, fmt.Sprintf("at udp:%v", l.Addr()), nil
}
