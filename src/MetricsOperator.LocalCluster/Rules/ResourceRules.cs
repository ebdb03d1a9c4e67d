using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Schemas;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Rules;

/// <summary>What the rules of a kind may look at besides the object.</summary>
internal sealed record RulesContext(ObjectStore Store, TimeProvider Time);

/// <summary>What a kind does beyond its schema: computed defaults, fields that the server sets, and checks across fields. Objects are changed in place.</summary>
internal abstract class ResourceRules
{
    public static readonly ResourceRules None = new NoRules();

    /// <summary>Defaults that depend on other fields; runs on create, update and status writes after the schema's defaults.</summary>
    public virtual void Default(JsonObject obj)
    {
    }

    /// <summary>Sets what the server decides for a new object (initial status, allocated addresses); may refuse.</summary>
    /// <exception cref="ApiStatusException">The object may not be created.</exception>
    public virtual void PrepareForCreate(JsonObject obj, RulesContext context)
    {
    }

    /// <summary>Keeps what clients may not or need not send again.</summary>
    public virtual void PrepareForUpdate(JsonObject obj, JsonObject before, RulesContext context)
    {
    }

    public virtual void Validate(JsonObject obj, List<FieldError> errors)
    {
    }

    public virtual void ValidateUpdate(JsonObject obj, JsonObject before, List<FieldError> errors)
    {
    }

    /// <summary>Which names are good; null or what is wrong with this one.</summary>
    public virtual string? CheckName(string name) => ObjectNames.CheckSubdomain(name);

    private sealed class NoRules : ResourceRules;
}
