package main

import (
	"testing"

	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
)

func TestConfigJSON(t *testing.T) {
	key := newKey(t, virtual.Config{Enterprise: &virtual.Enterprise{}})
	if err := key.SetPIN([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	device := serve(t, key)
	state := func(uv, ep, long, configurable string) string {
		return `{"alwaysUv":` + uv + `,"ep":` + ep + `,"longTouchForReset":` + long + `,"minPINLength":4,"forcePINChange":false,"configurable":[` + configurable + `]}`
	}
	for _, c := range []scripted{
		{args: "config", out: state("false", "false", "false", `"always-uv","enterprise","long-touch","pin min-length"`)},
		{args: "config always-uv", out: state("false", "false", "false", `"always-uv","enterprise","long-touch","pin min-length"`)},
		{args: "config always-uv on", stdin: "1234", code: exitUsage, err: "--yes"},
		{args: "config always-uv on --yes", code: exitPIN, err: "no PIN was entered"},
		{args: "config always-uv on --yes", stdin: "1234", out: state("true", "false", "false", `"always-uv","enterprise","long-touch","pin min-length"`)},
		{args: "config always-uv on", out: state("true", "false", "false", `"always-uv","enterprise","long-touch","pin min-length"`)},
		{args: "config enterprise on -yq", stdin: "1234", out: state("true", "true", "false", `"always-uv","long-touch","pin min-length"`)},
		{args: "config long-touch on -y", stdin: "1234", out: state("true", "true", "true", `"always-uv","pin min-length"`)},
		{args: "config always-uv off -y", stdin: "1234", out: state("false", "true", "true", `"always-uv","pin min-length"`)},
	} {
		c.run(t, device)
	}
}

// Keys that have little to configure, or nobody who may.
func TestConfigOfOtherKeys(t *testing.T) {
	only := func(commands ...uint) func(*ctap2.GetInfoResponse) {
		return func(i *ctap2.GetInfoResponse) { i.AuthenticatorConfigCommands = commands }
	}
	for _, test := range []struct {
		name   string
		config virtual.Config
		out    string
		code   int    // of config always-uv on
		err    string // of it
	}{
		{"U2F", virtual.Config{Profile: virtual.U2FOnly}, `{"configurable":[]}`, exitRefused, "U2F alone"},
		{"CTAP 2.0", virtual.Config{Profile: virtual.FIDO20}, `{"minPINLength":4,"forcePINChange":false,"configurable":[]}`, exitRefused, "does not have"},
		{"without a PIN", virtual.Config{WithoutPIN: true}, `{"longTouchForReset":false,"configurable":["long-touch"]}`, exitRefused, "does not have"},
		{"a command that is not listed", virtual.Config{Info: only(4)}, `{"alwaysUv":false,"longTouchForReset":false,"minPINLength":4,"forcePINChange":false,"configurable":["long-touch"]}`, exitRefused, "does not let it be changed"},
		{"a user who can't prove it", virtual.Config{WithoutPIN: true, UV: virtual.ConfiguredUV}, `{"alwaysUv":false,"longTouchForReset":false,"configurable":[]}`, exitRefused, "lets nobody"},
		{"a PIN would do", virtual.Config{UV: virtual.ConfiguredUV}, `{"alwaysUv":false,"longTouchForReset":false,"minPINLength":4,"forcePINChange":false,"configurable":["always-uv","long-touch","pin min-length"]}`, exitPIN, "no PIN is set"},
		{"the key's own check", virtual.Config{WithoutPIN: true, UV: virtual.ConfiguredUV, UVModality: 4, UVAcfg: true}, `{"alwaysUv":false,"longTouchForReset":false,"configurable":["always-uv","long-touch"]}`, exitOK, "Show the key that it is you"},
	} {
		t.Run(test.name, func(t *testing.T) {
			device := serve(t, newKey(t, test.config))
			(&scripted{args: "config", out: test.out}).run(t, device)
			(&scripted{args: "config always-uv on --yes", code: test.code, err: test.err}).run(t, device)
		})
	}
}
