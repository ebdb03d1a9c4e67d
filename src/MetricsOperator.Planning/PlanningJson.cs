using System.Text.Json.Serialization;
using MetricsOperator.Planning.Incidents;
using MetricsOperator.Planning.Tuning;

namespace MetricsOperator.Planning;

/// <summary>JSON of the documents that Planning reads and writes.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowDuplicateProperties = true,
    WriteIndented = true)]
[JsonSerializable(typeof(TerminationMessage))]
[JsonSerializable(typeof(TuningLedger))]
internal sealed partial class PlanningJson : JsonSerializerContext;
