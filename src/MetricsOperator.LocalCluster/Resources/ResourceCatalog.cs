using MetricsOperator.LocalCluster.Schemas;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Resources;

/// <summary>Every resource that is served: the built-in ones and those of the custom resource definitions in the store.</summary>
internal sealed class ResourceCatalog
{
    private readonly IReadOnlyList<ResourceDefinition> _builtins;
    private volatile View _view;

    public ResourceCatalog(SchemaFile schemas)
    {
        Schemas = schemas;
        _builtins = BuiltinResources.Create(schemas);
        _view = new View(_builtins, 0);
    }

    /// <summary>Types of the built-in kinds.</summary>
    public SchemaFile Schemas { get; }

    public IReadOnlyList<ResourceDefinition> All => _view.All;

    /// <summary>Changes whenever a definition changes; a key for documents made from the catalog.</summary>
    public long Generation => _view.Generation;

    public ResourceDefinition? Find(string group, string version, string plural) => _view.ByPath.GetValueOrDefault((group, version, plural));

    /// <summary>The definition whose version is the stored one.</summary>
    public ResourceDefinition? Storage(string storageKey) => _view.ByStorage.GetValueOrDefault(storageKey);

    /// <summary>Reads the custom resource definitions again; called under the store's gate after one changed and at start.</summary>
    public void Refresh(ObjectStore store)
    {
        var customs = store.List("apiextensions.k8s.io/customresourcedefinitions").Objects.Values.SelectMany(d => CustomResources.Create(d.Value, Schemas));
        _view = new View([.. _builtins, .. customs], _view.Generation + 1);
    }

    private sealed class View
    {
        public View(IReadOnlyList<ResourceDefinition> all, long generation)
        {
            All = all;
            Generation = generation;
            foreach (var definition in all)
            {
                ByPath[(definition.Group, definition.Version, definition.Plural)] = definition;
                if (definition.ApiVersion == definition.StoredApiVersion)
                {
                    ByStorage[definition.StorageKey] = definition;
                }
            }
        }

        public IReadOnlyList<ResourceDefinition> All { get; }

        public long Generation { get; }

        public Dictionary<(string Group, string Version, string Plural), ResourceDefinition> ByPath { get; } = [];

        public Dictionary<string, ResourceDefinition> ByStorage { get; } = new(StringComparer.Ordinal);
    }
}
