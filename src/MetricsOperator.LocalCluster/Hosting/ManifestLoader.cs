using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Writes;

namespace MetricsOperator.LocalCluster.Hosting;

/// <summary>Applies the custom resource definitions of a directory at start.</summary>
internal static class ManifestLoader
{
    /// <exception cref="InvalidDataException">A file holds something else than custom resource definitions.</exception>
    public static void Load(ClusterCore core, string? directory)
    {
        if (directory is null)
        {
            return;
        }

        var definition = core.Catalog.Storage("apiextensions.k8s.io/customresourcedefinitions")!;
        foreach (var file in Directory.EnumerateFiles(directory).Where(f => Path.GetExtension(f) is ".yaml" or ".yml" or ".json").Order(StringComparer.Ordinal))
        {
            foreach (var document in YamlDocuments.Parse(File.ReadAllText(file)))
            {
                if (document is not JsonObject obj || obj.StringAt("kind") != definition.Kind)
                {
                    throw new InvalidDataException($"cannot load {file}: got kind {document.StringAt("kind")}, want CustomResourceDefinition");
                }

                core.Writer.Apply(definition, null, obj.NameOf(), obj, new WriteOptions { Manager = "local-cluster", Force = true, Validation = FieldValidation.Ignore });
            }
        }
    }
}
