package virtual

// configCommands are the subcommands of authenticatorConfig that the key has, for
// getInfo.
func (k *Key) configCommands() []uint { return []uint{} }
