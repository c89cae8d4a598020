package overlays

func (c Component) batched(name string) []byte { return c.Files[name] }
