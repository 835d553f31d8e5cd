package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/pinuv"
	"github.com/gofido/fido/examples/internal/layout"
	"github.com/spf13/cobra"
)

// A setting is one that a key has switched on or off.
type setting struct {
	name  string // of the command
	short string
	sub   ctap2.ConfigSubCommand
	back  bool // it can be switched off, too

	// state is nil if the key does not know the setting.
	state func(*ctap2.GetInfoResponse) *bool
	flip  func(*fido.Key, context.Context, *pinuv.Token) error

	off, on     string // what they mean
	toOff, toOn string // what will change
}

var settings = []*setting{
	{
		name: "always-uv", short: "Want the PIN or a fingerprint for every use", sub: ctap2.ToggleAlwaysUv, back: true,
		state: optionState(ctap2.OptionAlwaysUv),
		flip:  func(k *fido.Key, ctx context.Context, t *pinuv.Token) error { return k.ToggleAlwaysUv(ctx, t) },
		off:   "the key wants its PIN or a fingerprint where a site asks for it",
		on:    "the key wants its PIN or a fingerprint for every use",
		toOff: "The key will want its PIN or a fingerprint only where a site asks for it: elsewhere a touch will be enough for whoever has the key.",
		toOn:  "The key will want its PIN or a fingerprint for every use, also where a site does not ask for it. Sites and programs that know only U2F can't use it then.",
	},
	{
		name: "enterprise", short: "Let the key tell who it is to sites of its owner's employer", sub: ctap2.EnableEnterpriseAttestation,
		state: optionState(ctap2.OptionEP),
		flip: func(k *fido.Key, ctx context.Context, t *pinuv.Token) error {
			return k.EnableEnterpriseAttestation(ctx, t)
		},
		off:  "no site can learn which key this is",
		on:   "sites that the maker or the browser's administrator allows can learn which key this is",
		toOn: "Sites that the key's maker or the browser's administrator allows will be able to learn which key this is, and so recognise you, when you register there. Only a reset takes it back, and erases everything on the key.",
	},
	{
		name: "long-touch", short: "Want a long touch before a reset", sub: ctap2.EnableLongTouchForReset,
		state: func(i *ctap2.GetInfoResponse) *bool { return i.LongTouchForReset },
		flip:  func(k *fido.Key, ctx context.Context, t *pinuv.Token) error { return k.EnableLongTouchForReset(ctx, t) },
		off:   "a short touch is enough for a reset",
		on:    "a reset takes a touch of five seconds",
		toOn:  "A reset will take a touch of five seconds, so that nobody does it by accident. Only a reset takes it back, and erases everything on the key.",
	},
}

func optionState(name string) func(*ctap2.GetInfoResponse) *bool {
	return func(info *ctap2.GetInfoResponse) *bool {
		if on, ok := info.Options[name]; ok {
			return &on
		}
		return nil
	}
}

func (a *app) configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Show and change the key's settings",
		Long: `Show and change the key's settings. Alone it shows what this key has and how it is
set. For the rules of PINs see fidokey pin min-length and fidokey pin force-change.`,
		RunE: func(c *cobra.Command, _ []string) error { return a.withKey(c.Context(), a.config) },
	}
	for _, s := range settings {
		c.AddCommand(a.settingCommand(s))
	}
	return c
}

// configState is the JSON form of every config command: how the key is set when the
// command is done. What is absent the key does not know.
type configState struct {
	AlwaysUv            *bool `json:"alwaysUv,omitempty"`
	EP                  *bool `json:"ep,omitempty"` // enterprise attestation
	LongTouchForReset   *bool `json:"longTouchForReset,omitempty"`
	MinPINLength        uint  `json:"minPINLength,omitempty"`
	ForcePINChange      *bool `json:"forcePINChange,omitempty"`
	PinComplexityPolicy *bool `json:"pinComplexityPolicy,omitempty"`

	// Configurable are the commands of fidokey that change something on this key:
	// always-uv, enterprise, long-touch, pin min-length.
	Configurable []string `json:"configurable"`
}

func newConfigState(info *ctap2.GetInfoResponse) *configState {
	s := &configState{
		AlwaysUv: optionState(ctap2.OptionAlwaysUv)(info), EP: optionState(ctap2.OptionEP)(info), LongTouchForReset: info.LongTouchForReset,
		PinComplexityPolicy: info.PinComplexityPolicy, Configurable: []string{},
	}
	if _, ok := info.Options[ctap2.OptionClientPIN]; ok {
		s.MinPINLength, _ = info.PINLengths()
		s.ForcePINChange = &info.ForcePINChange
	}
	for _, t := range settings {
		if on := t.state(info); on != nil && configures(info, t.sub) && (!*on || t.back) {
			s.Configurable = append(s.Configurable, t.name)
		}
	}
	if minPINLengthSettable(info) {
		s.Configurable = append(s.Configurable, "pin min-length")
	}
	return s
}

func (a *app) config(ctx context.Context, key *fido.Key) error {
	info, err := key.GetInfo(ctx)
	if err != nil {
		return err
	}
	state := newConfigState(info)
	return a.result(state, func() {
		if key.U2F() {
			fmt.Fprintln(a.folded(a.out), "This key speaks U2F alone, which knows no settings.")
			return
		}
		var t layout.Table
		for _, s := range settings {
			t.Add(s.row(info)...)
		}
		if state.MinPINLength > 0 {
			t.Add("pin min-length", fmt.Sprint(state.MinPINLength), fmt.Sprintf("a new PIN has %d characters or more%s", state.MinPINLength,
				map[bool]string{true: "; the present one has to be changed"}[info.ForcePINChange]))
		}
		a.printTable(t, "")
		if len(state.Configurable) == 0 {
			fmt.Fprintln(a.folded(a.out), "None of these can be changed on this key.")
		}
	})
}

// row tells how a setting is set, and whether that can be changed.
func (s *setting) row(info *ctap2.GetInfoResponse) []string {
	on := s.state(info)
	switch {
	case on == nil:
		return []string{s.name, "-", "this key does not have it"}
	case *on && s.back && configures(info, s.sub):
		return []string{s.name, "on", s.on}
	case *on:
		return []string{s.name, "on", s.on + "; it stays so until a reset"}
	case configures(info, s.sub):
		return []string{s.name, "off", s.off}
	}
	return []string{s.name, "off", s.off + "; it can't be switched on"}
}

func (a *app) settingCommand(s *setting) *cobra.Command {
	var yes bool
	words := []string{"on"}
	if s.back {
		words = append(words, "off")
	}
	long := []string{s.short + ". Alone the command shows how the key is set.", "on:   " + s.toOn}
	if s.back {
		long = append(long, "off:  "+s.toOff)
	}
	c := &cobra.Command{
		Use:               s.name + " [" + words[0] + map[bool]string{true: "|off"}[s.back] + "]",
		Short:             s.short,
		Long:              strings.Join(long, "\n\n"),
		ValidArgsFunction: fixed(words...),
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) > 1, len(args) == 1 && args[0] != "on" && args[0] != "off":
				return badUse("config %s takes %s and nothing else", s.name, strings.Join(words, " or "))
			case len(args) == 1 && args[0] == "off" && !s.back:
				return badUse("%s can't be switched off: only a reset does it, and it erases everything on the key", s.name)
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return a.withKey(c.Context(), func(ctx context.Context, key *fido.Key) error {
				if len(args) == 0 {
					return a.showSetting(ctx, key, s)
				}
				return a.switchSetting(ctx, key, s, args[0] == "on", yes)
			})
		},
	}
	yesFlag(c, &yes)
	return c
}

func (a *app) showSetting(ctx context.Context, key *fido.Key, s *setting) error {
	info, err := key.GetInfo(ctx)
	if err != nil {
		return err
	}
	if s.state(info) == nil {
		return s.missing(key)
	}
	return a.result(newConfigState(info), func() {
		var t layout.Table
		t.Add(s.row(info)...)
		a.printTable(t, "")
	})
}

// missing says that a key does not have the setting.
func (s *setting) missing(key *fido.Key) error {
	if key.U2F() {
		return cant("this key speaks U2F alone, which knows no settings")
	}
	return cant("this key does not have the setting %s: fidokey config shows what it has", s.name)
}

func (a *app) switchSetting(ctx context.Context, key *fido.Key, s *setting, on, yes bool) error {
	info, err := key.GetInfo(ctx)
	if err != nil {
		return err
	}
	before := s.state(info)
	switch {
	case before == nil:
		return s.missing(key)
	case *before == on:
		return a.settingDone(info, fmt.Sprintf("%s is %s already: nothing was changed.", s.name, onOff(on)))
	case asAny[*advice](settable(info)):
		return settable(info)
	case !configures(info, s.sub):
		return cant("this key has the setting %s, but does not let it be changed", s.name)
	}
	if err := settable(info); err != nil {
		return err
	}
	if err := a.agree(ctx, yes, fmt.Sprintf("Switch %s %s?", s.name, onOff(on)), s.consequence(info, on)...); err != nil {
		return err
	}
	if err := a.flip(ctx, key, s); err != nil {
		if !on && errors.Is(err, ctap2.StatusOperationDenied) {
			return cant("this key does not let %s be switched off: if it was on when the key was new it stays so, and otherwise only a reset does it, which erases everything on the key", s.name)
		}
		return err
	}
	if info, err = key.GetInfo(ctx); err != nil {
		return err
	}
	if after := s.state(info); after == nil || *after != on {
		return nonsense("the key has agreed, and yet does not say that %s is %s", s.name, onOff(on))
	}
	return a.settingDone(info, fmt.Sprintf("%s is %s.", s.name, onOff(on)))
}

func (s *setting) consequence(info *ctap2.GetInfoResponse, on bool) []string {
	if !on {
		return []string{s.toOff}
	}
	lines := []string{s.toOn}
	if s.sub == ctap2.ToggleAlwaysUv && !protected(info) {
		lines = append(lines, "The key has no PIN yet and knows no finger: until you set one (fidokey pin set) it will be of no use.")
	}
	return lines
}

// flip switches a setting, with the user's proof if the key wants one.
func (a *app) flip(ctx context.Context, key *fido.Key, s *setting) error {
	token, err := a.configToken(ctx, key)
	if err != nil {
		return err
	}
	if token != nil {
		defer token.Wipe()
	}
	return s.flip(key, ctx, token)
}

func (a *app) settingDone(info *ctap2.GetInfoResponse, text string) error {
	return a.result(newConfigState(info), func() { a.tell("%s", text) })
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// configures reports whether a key has a subcommand of authenticatorConfig, as far
// as it tells, and somebody can use it.
func configures(info *ctap2.GetInfoResponse, sub ctap2.ConfigSubCommand) bool {
	listed := info.AuthenticatorConfigCommands
	return info.Options[ctap2.OptionAuthnrCfg] && (listed == nil || slices.Contains(listed, uint(sub))) && !asAny[*advice](settable(info))
}
