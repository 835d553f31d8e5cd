package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/gofido/fido/internal/vm"
)

// debianPackages lists everything that the steps need beside Go, git and
// ca-certificates on Debian 12.
var debianPackages = []struct {
	name   string
	needed string // by which steps
	reason string
}{
	{"gcc", "cgo", "cgo, which the race detector and the build tag hidapi need"},
	{"libc6-dev", "cgo", "the C library's headers, for cgo"},
	{"libudev-dev", "cgo", "go-hid on Linux, with the build tag hidapi"},
	{"libpcsclite-dev", "cgo", "ebfe/scard on Linux, with the build tag scard"},
	{"pkg-config", "cgo", "finding libpcsclite-dev"},
	{"gcc-mingw-w64-x86-64", "windows", "cgo for Windows"},
	{"qemu-system-x86", "system", "the virtual machine"},
	{"xz-utils", "system", "unpacking Debian's kernel"},
	{"busybox-static", "system", "a shell in the virtual machine"},
	{"fido2-tools", "system", "libfido2's tools, which use our software key and verify what our client makes"},
	{"openssh-client", "system", "ssh-keygen, which reads the public keys that fidokey prints"},
	{"udev", "system", "systemd's udevd, which makes the nodes of keys in a usual system"},
	{"python3", "system", "python-fido2's interpreter"},
	{"python3-fido2", "system", "python-fido2, which uses our software key, and as a relying party verifies what our client makes"},
	{"python3-pyscard", "system", "python-fido2's way to card readers"},
	{"pcscd", "system", "a smart-card daemon"},
	{"vsmartcard-vpcd", "system", "a virtual card reader in it"},
	{"vsmartcard-vpicc", "system", "a simulator of cards that is not ours"},
	{"python3-pycryptodome", "system", "what that simulator needs"},
}

// packagesFor returns the packages of one kind of step, or with "" all.
func packagesFor(needed string) []string {
	var names []string
	for _, p := range debianPackages {
		if needed == "" || p.needed == needed {
			names = append(names, p.name)
		}
	}
	return names
}

// missingPackages returns those of the named packages that are not installed.
func missingPackages(ctx context.Context, names []string) ([]string, error) {
	args := append([]string{"--show", "--showformat", "${Package} ${db:Status-Status}\n"}, names...)
	// It fails when it has never heard of one of the packages, and lists the others.
	out, err := exec.CommandContext(ctx, "dpkg-query", args...).Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("this needs Debian packages: %w", err)
	}
	return notInstalled(names, string(out)), nil
}

// notInstalled returns the names that dpkg-query's lines of "package status"
// do not call installed.
func notInstalled(names []string, listing string) []string {
	installed := make(map[string]bool)
	for line := range strings.Lines(listing) {
		if name, status, _ := strings.Cut(strings.TrimSpace(line), " "); status == "installed" {
			installed[name] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return installed[name] })
}

func stepPackages(ctx context.Context, j *job) (string, error) {
	all := packagesFor("")
	missing, err := missingPackages(ctx, all)
	if err != nil {
		return "", err
	}
	switch {
	case len(missing) == 0 && (!j.install || vm.KernelCached() || os.Geteuid() != 0):
		// Nothing to install, and no reason to ask a person for a password.
		return fmt.Sprintf("all %d installed", len(all)), nil
	case !j.install:
		fmt.Fprintln(j.log, "Missing Debian packages:")
		for _, p := range debianPackages {
			if slices.Contains(missing, p.name) {
				fmt.Fprintf(j.log, "  %-22s for %s\n", p.name, p.reason)
			}
		}
		fmt.Fprintf(j.log, "Install them with\n  %s\nor with\n  go run ./internal/check -install\n", strings.Join(installCommand(missing), " "))
		return "", fmt.Errorf("missing: %s", strings.Join(missing, ", "))
	}
	asRoot, err := elevation()
	if err != nil {
		fmt.Fprintf(j.log, "As root, run\n  apt-get update && %s\n", strings.Join(installCommand(missing), " "))
		return "", err
	}
	// Root brings the list up to date even when nothing is missing: the system
	// tests download their kernel by it.
	commands := [][]string{{"apt-get", "-q", "update"}}
	if len(missing) > 0 {
		commands = append(commands, installCommand(missing))
	}
	for _, argv := range commands {
		if err := j.run(ctx, command{argv: slices.Concat(asRoot, argv), terminal: asRoot[0] == "sudo"}); err != nil {
			return "", err
		}
	}
	still, err := missingPackages(ctx, all)
	if err != nil {
		return "", err
	}
	if len(still) > 0 {
		return "", fmt.Errorf("apt-get did not install %s", strings.Join(still, ", "))
	}
	return fmt.Sprintf("%d installed now, %d before", len(missing), len(all)-len(missing)), nil
}

func installCommand(names []string) []string {
	return append([]string{"apt-get", "-q", "install", "-y", "--no-install-recommends"}, names...)
}

// elevation returns what to put before a command to run it as root.
func elevation() ([]string, error) {
	if os.Geteuid() == 0 {
		return []string{"env", "DEBIAN_FRONTEND=noninteractive"}, nil
	}
	if _, err := exec.LookPath("sudo"); err != nil {
		return nil, errors.New("can't install packages: not root, and there is no sudo")
	}
	return []string{"sudo", "env", "DEBIAN_FRONTEND=noninteractive"}, nil
}
