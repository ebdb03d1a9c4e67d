using System.Globalization;
using System.Text.Json;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Validation;
using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Planning.Scraping;
using MetricsOperator.Planning.Stacks;
using MetricsOperator.Planning.Tuning;
using MetricsOperator.Planning.Validation;

namespace MetricsOperator.Operator.Stacks;

/// <summary>Reads everything one decision needs, and judges the spec.</summary>
internal sealed class StackGatherer(IStackWorld world)
{
    public async Task<StackInput> GatherAsync(ObjectKey key, MetricsStack stack, CancellationToken cancellation)
    {
        var keepLists = world.KeepListsIn(key.Namespace);
        var live = world.ObjectsOf(key);
        var errors = StackVerdict.Errors(stack, keepLists).ToList();
        var good = errors.Count == 0 ? stack : null;
        var isRightWithSecrets = good is not null;
        IReadOnlyDictionary<string, byte[]>? credentials = null;
        if (good is not null)
        {
            credentials = await ReadCredentialsAsync(good, errors, cancellation).ConfigureAwait(false);
            good = errors.Count == 0 ? good : null;
        }

        good ??= LastGood(stack, keepLists, live);
        var overlay = world.OverlayOf(key);
        var (ledger, overlayProblem) = ReadLedger(overlay);
        return new StackInput
        {
            Key = key,
            Stack = stack,
            Errors = errors,
            WaitsForSecret = isRightWithSecrets && errors.Count > 0,
            Good = good,
            KeepLists = keepLists,
            Live = live,
            Pods = world.PodsOf(key),
            Overlay = overlay,
            Ledger = ledger,
            OverlayProblem = overlayProblem,
            Credentials = credentials,
        };
    }

    /// <summary>The spec that the running configuration was rendered from, as long as it can still be rendered.</summary>
    private static MetricsStack? LastGood(MetricsStack stack, IReadOnlyList<MetricsKeepList> keepLists, IReadOnlyList<LiveObject> live)
    {
        var config = live.Select(l => l.Object).OfType<V1ConfigMap>().FirstOrDefault(c => c.Metadata.Name == StackNames.Config(stack.Metadata.Name!));
        if (config?.Data?.GetValueOrDefault(StackNames.SpecKey) is not { } text)
        {
            return null;
        }

        MetricsStackSpec spec;
        try
        {
            spec = ApiJson.ReadSpec(text);
        }
        catch (JsonException)
        {
            // Somebody edited the ConfigMap by hand; what runs goes on, and a valid spec repairs it.
            return null;
        }

        var generation = long.TryParse(config.Metadata.Annotations?.GetValueOrDefault(StackNames.GenerationAnnotation), NumberStyles.None, CultureInfo.InvariantCulture, out var g) ? g : 0;
        var lastGood = stack with { Spec = spec, Metadata = stack.Metadata with { Generation = generation } };
        return StackVerdict.Errors(lastGood, keepLists).Count == 0 ? lastGood : null;
    }

    private async Task<Dictionary<string, byte[]>?> ReadCredentialsAsync(MetricsStack stack, List<FieldError> errors, CancellationToken cancellation)
    {
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        var secrets = new Dictionary<string, V1Secret?>(StringComparer.Ordinal);
        foreach (var file in CredentialFiles.Of(stack.Spec))
        {
            if (!secrets.TryGetValue(file.Source.Name, out var secret))
            {
                secret = await world.ReadSecretAsync(stack.Metadata.Namespace!, file.Source.Name, cancellation).ConfigureAwait(false);
                secrets.Add(file.Source.Name, secret);
            }

            if (secret is null)
            {
                errors.Add(new($"{file.Path}.name", $"cannot find Secret \"{file.Source.Name}\" in the namespace of the stack"));
            }
            else if (secret.Data?.GetValueOrDefault(file.Source.Key) is { } content)
            {
                files[file.FileName] = content;
            }
            else
            {
                errors.Add(new($"{file.Path}.key", $"cannot find key \"{file.Source.Key}\" in Secret \"{file.Source.Name}\""));
            }
        }

        return errors.Count == 0 ? files : null;
    }

    private static (TuningLedger Ledger, string? Problem) ReadLedger(V1ConfigMap? overlay)
    {
        var text = overlay?.Data?.GetValueOrDefault(TuningLedger.FileName);
        try
        {
            return (text is null ? TuningLedger.Empty : TuningLedger.Read(text), null);
        }
        catch (JsonException e)
        {
            // Guessing could undo a step or take one twice; a person edited this and a person has to decide.
            return (TuningLedger.Empty, $"cannot read ConfigMap {overlay!.Metadata.Name}: {e.Message}; deleting it resets the stack to its spec");
        }
    }
}
