package virtual

import (
	"slices"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/u2f"
)

// A CommandRecord is a command that the key has answered.
type CommandRecord struct {
	Session uint64
	U2F     bool         // a U2F command
	Request []byte       // as it came: the command byte and its parameters, or the APDU
	Status  ctap2.Status // 0 of a U2F command
	Reply   []byte       // what followed the status, or the response APDU
}

// Command returns the request's command, or 0 if the request was empty or U2F's.
func (r *CommandRecord) Command() ctap2.Command {
	if len(r.Request) == 0 || r.U2F {
		return 0
	}
	return ctap2.Command(r.Request[0])
}

// Parse decodes the request: a *ctap2.MakeCredentialRequest,
// *ctap2.GetAssertionRequest, *ctap2.ClientPINRequest and so on, or nil for a
// command without parameters or one that no key knows; of U2F a u2f.Request.
func (r *CommandRecord) Parse() (any, error) {
	if r.U2F {
		return u2f.ParseRequest(r.Request)
	}
	command := r.Command()
	if became, ok := previews[command]; ok {
		command = became
	}
	parse := parsers[command]
	if parse == nil {
		return nil, nil
	}
	return parse(r.Request[1:])
}

// parsers decode the parameters of the commands that have any.
var parsers = map[ctap2.Command]func(parameters []byte) (any, error){
	ctap2.CommandMakeCredential:       parser(ctap2.ParseMakeCredentialRequest),
	ctap2.CommandGetAssertion:         parser(ctap2.ParseGetAssertionRequest),
	ctap2.CommandClientPIN:            parser(ctap2.ParseClientPINRequest),
	ctap2.CommandBioEnrollment:        parser(ctap2.ParseBioEnrollmentRequest),
	ctap2.CommandCredentialManagement: parser(ctap2.ParseCredentialManagementRequest),
	ctap2.CommandLargeBlobs:           parser(ctap2.ParseLargeBlobsRequest),
	ctap2.CommandConfig:               parser(ctap2.ParseConfigRequest),
}

func parser[R any](parse func([]byte) (*R, error)) func([]byte) (any, error) {
	return func(parameters []byte) (any, error) {
		r, err := parse(parameters)
		if err != nil {
			return nil, err
		}
		return r, nil
	}
}

// history is a ring of the last commands. Its memory is used again, so that
// noting a command costs no allocation in the long run.
type history struct {
	records []CommandRecord
	oldest  int
}

func (h *history) add(size int, session uint64, request, reply []byte) {
	r := h.next(size)
	if r == nil {
		return
	}
	r.Session, r.U2F = session, false
	r.Request = append(r.Request[:0], request...)
	r.Status, r.Reply = 0, r.Reply[:0]
	if len(reply) > 0 {
		r.Status, r.Reply = ctap2.Status(reply[0]), append(r.Reply, reply[1:]...)
	}
}

// addU2F notes a U2F command.
func (h *history) addU2F(size int, session uint64, apdu, response []byte) {
	r := h.next(size)
	if r == nil {
		return
	}
	r.Session, r.U2F = session, true
	r.Request = append(r.Request[:0], apdu...)
	r.Status, r.Reply = 0, append(r.Reply[:0], response...)
}

// next returns the record for the next command, or nil if none is kept.
func (h *history) next(size int) *CommandRecord {
	if size < 0 {
		return nil
	}
	var r *CommandRecord
	if len(h.records) < size {
		h.records = append(h.records, CommandRecord{})
		r = &h.records[len(h.records)-1]
	} else {
		r = &h.records[h.oldest]
		h.oldest = (h.oldest + 1) % size
	}
	return r
}

// Commands returns the last commands that the key has answered, oldest first,
// as many as Config.History says.
func (k *Key) Commands() []CommandRecord {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := &k.history
	all := make([]CommandRecord, 0, len(h.records))
	for i := range h.records {
		r := h.records[(h.oldest+i)%len(h.records)]
		r.Request, r.Reply = slices.Clone(r.Request), slices.Clone(r.Reply)
		all = append(all, r)
	}
	return all
}
