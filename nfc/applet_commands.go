package nfc

import (
	"bytes"
	"context"
	"time"

	"github.com/gofido/fido/nfc/iso7816"
)

// answer carries out a whole command. The status word is 0 if there is no answer.
func (a *Applet) answer(ctx context.Context, cmd iso7816.Command) ([]byte, iso7816.StatusWord) {
	if cmd.CLA == claISO && cmd.INS == iso7816.INSSelect {
		return a.choose(cmd)
	}
	if !a.selected {
		return nil, iso7816.SWInstructionNotSupported
	}
	cbor, msg := capabilities(a.handler)
	switch {
	case cmd.CLA == claISO && msg && cmd.INS != INSMessage:
		a.stop()
		return a.message(ctx, cmd)
	case cmd.CLA != claCTAP:
		return nil, iso7816.SWClassNotSupported
	case cmd.INS == INSControl:
		return a.control(cmd)
	case !cbor:
		return nil, iso7816.SWInstructionNotSupported
	case cmd.INS == INSMessage:
		return a.request(ctx, cmd)
	case cmd.INS == INSGetResponse:
		return a.poll(cmd)
	}
	return nil, iso7816.SWInstructionNotSupported
}

// choose answers SELECT.
func (a *Applet) choose(cmd iso7816.Command) ([]byte, iso7816.StatusWord) {
	switch {
	case cmd.P1 != p1ByName || cmd.P2&^0x0c != 0:
		return nil, iso7816.SWIncorrectP1P2
	case !bytes.Equal(cmd.Data, []byte(AID)):
		a.stop()
		a.selected = false
		return nil, iso7816.SWFileOrApplicationNotFound
	}
	a.stop()
	a.selected = true
	version := VersionFIDO20
	if _, msg := capabilities(a.handler); msg {
		version = VersionU2F
	}
	return []byte(version), iso7816.SWNoError
}

// control answers NFCCTAP_CONTROL.
func (a *Applet) control(cmd iso7816.Command) ([]byte, iso7816.StatusWord) {
	if cmd.P1 != p1End || cmd.P2 != 0 {
		return nil, iso7816.SWIncorrectP1P2
	}
	a.stop()
	a.selected = false
	return nil, iso7816.SWNoError
}

// message answers a U2F message.
func (a *Applet) message(ctx context.Context, cmd iso7816.Command) ([]byte, iso7816.StatusWord) {
	cmd.Form, cmd.Ne = iso7816.Extended, iso7816.Extended.MaxNe() // as on USB
	apdu, err := cmd.Append(nil)
	if err != nil {
		return nil, iso7816.SWWrongLength
	}
	r, err := iso7816.ParseResponse(a.handler.MSG(ctx, a.session, nil, apdu))
	if err != nil {
		return nil, iso7816.SWNoPreciseDiagnosis
	}
	return r.Data, r.SW
}

// work is a request that the Handler works on.
type work struct {
	cancel context.CancelFunc
	status chan byte     // what the Handler says while it works
	done   chan struct{} // closed when reply is there
	reply  []byte
	last   byte // the status that was reported last
}

// request answers NFCCTAP_MSG.
func (a *Applet) request(ctx context.Context, cmd iso7816.Command) ([]byte, iso7816.StatusWord) {
	if cmd.P1&^p1GetResponse != 0 || cmd.P2 != 0 {
		return nil, iso7816.SWIncorrectP1P2
	}
	if len(cmd.Data) == 0 {
		return nil, iso7816.SWWrongLength
	}
	a.stop()
	on, cancel := context.WithCancel(a.on)
	w := &work{cancel: cancel, status: make(chan byte, 16), done: make(chan struct{}), last: StatusProcessing}
	request := bytes.Clone(cmd.Data)
	session := a.session
	go func() {
		defer close(w.done)
		w.reply = a.handler.CBOR(on, session, nil, request, func(status byte) {
			select {
			case w.status <- status:
			default: // nobody asks
			}
		})
		clear(request)
	}()
	a.work = w
	if cmd.P1&p1GetResponse != 0 {
		return a.await()
	}
	select {
	case <-w.done:
		return a.finish()
	case <-on.Done(): // the power has gone
	case <-ctx.Done():
		cancel()
	}
	return nil, 0
}

// poll answers NFCCTAP_GETRESPONSE.
func (a *Applet) poll(cmd iso7816.Command) ([]byte, iso7816.StatusWord) {
	switch {
	case cmd.P2 != 0 || cmd.P1 != 0 && cmd.P1 != p1Cancel:
		return nil, iso7816.SWIncorrectP1P2
	case len(cmd.Data) > 0:
		return nil, iso7816.SWWrongLength
	case a.work == nil:
		return nil, iso7816.SWConditionsOfUseNotSatisfied
	case cmd.P1 == p1Cancel:
		a.work.cancel()
	}
	return a.await()
}

// await returns the reply if it comes before the host has to be told that it
// takes longer, and 9100 otherwise.
func (a *Applet) await() ([]byte, iso7816.StatusWord) {
	w := a.work
	timer := time.NewTimer(a.config.Patience)
	defer timer.Stop()
	for {
		select {
		case <-w.done:
			return a.finish()
		case <-a.on.Done(): // the power has gone
			return nil, 0
		case w.last = <-w.status:
		case <-timer.C:
			return []byte{w.last}, SWWorking
		}
	}
}

func (a *Applet) finish() ([]byte, iso7816.StatusWord) {
	reply := a.work.reply
	a.work.cancel()
	a.work = nil
	if len(reply) == 0 {
		return nil, iso7816.SWNoPreciseDiagnosis
	}
	return reply, iso7816.SWNoError
}

// stop ends the request that is worked on, and waits for the Handler to return.
func (a *Applet) stop() {
	if a.work == nil {
		return
	}
	a.work.cancel()
	<-a.work.done
	a.work = nil
}
