// GetOpenAPIDefinitions has the schemas of all types by their API names, such as io.k8s.apimachinery.pkg.version.Info.
func GetOpenAPIDefinitions(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
	named := map[string]common.OpenAPIDefinition{}
	byGoName := generatedDefinitions(func(name string) spec.Ref { return ref(util.ToRESTFriendlyName(name)) })
	for name, definition := range byGoName {
		for number, other := range definition.Dependencies {
			definition.Dependencies[number] = util.ToRESTFriendlyName(other)
		}
		named[util.ToRESTFriendlyName(name)] = definition
	}
	return named
}

