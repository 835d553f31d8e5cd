//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wordsByRef stands in for the function of the package bash-completion that a
// completion calls, where that is not installed.
const wordsByRef = `
_get_comp_words_by_ref() {
	words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur=${words[cword]}; prev=${words[cword-1]}
}
`

// Bash itself loads the completion, and completes a command, a flag and a device.
func TestCompleteInBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(program, filepath.Join(bin, "fidokey")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		words []string
		want  string
	}{
		{[]string{"pin", "veri"}, "verify"},
		{[]string{"passk"}, "passkeys"},
		{[]string{"passkeys", "expo"}, "export-public"},
		{[]string{"info", "--jso"}, "--json"},
		{[]string{"info", "--device", "virtu"}, "virtual"},
		{[]string{"info", "-d", "virtu"}, "virtual"},
		{[]string{"--device", "virtu"}, "virtual"},
		{[]string{"info", "--color", "nev"}, "never"},
		{[]string{"completion", "ba"}, "bash"},
	} {
		line := "fidokey " + strings.Join(test.words, " ")
		script := wordsByRef + `source <(fidokey completion bash) || exit 9
complete -p fidokey >/dev/null || exit 8
COMP_WORDS=(` + line + `); COMP_CWORD=` + fmt.Sprint(len(test.words)) + `; COMP_LINE="` + line + `"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9; COMP_KEY=9
__start_fidokey
printf '%s\n' "${COMPREPLY[@]}"`
		cmd := exec.CommandContext(t.Context(), bash, "--norc", "-c", script)
		cmd.Env = append(os.Environ(), asProgram+"=1", "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
		var errOut strings.Builder
		cmd.Stderr = &errOut
		out, err := cmd.Output()
		got := strings.Fields(string(out))
		if err != nil || !slices.Contains(got, test.want) || strings.Contains(errOut.String(), "command not found") {
			t.Errorf("%s: bash offers %q (%v): %s", line, got, err, &errOut)
		}
	}
}
