using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Planning.Incidents;
using MetricsOperator.Planning.Scraping;

namespace MetricsOperator.Planning.Tuning;

/// <summary>Everything one round of tuning needs.</summary>
/// <param name="Ledger">The ledger as it is stored.</param>
/// <param name="Spec">A spec that validation accepted.</param>
/// <param name="KeepLists">Keep-lists of the namespace.</param>
/// <param name="Deaths">Deaths visible in the pods, oldest first.</param>
/// <param name="EndedLives">How many lives of each visible pod's server have ended, by pod uid.</param>
/// <param name="Now">The time.</param>
public sealed record TuningInput(
    TuningLedger Ledger,
    MetricsStackSpec Spec,
    IReadOnlyList<MetricsKeepList> KeepLists,
    IReadOnlyList<Death> Deaths,
    IReadOnlyDictionary<string, int> EndedLives,
    DateTimeOffset Now);

/// <summary>What a round of tuning decided.</summary>
/// <param name="Ledger">The ledger to store; the same instance when nothing changed.</param>
/// <param name="News">Sentences for people about what changed now, oldest first.</param>
/// <param name="RelaxAt">When the last step may be taken back, if nothing happens before.</param>
public sealed record TuningOutcome(TuningLedger Ledger, IReadOnlyList<TuningNews> News, DateTimeOffset? RelaxAt);

/// <summary>One thing that changed.</summary>
/// <param name="Reason">One word, for the Event.</param>
/// <param name="IsWarning">Whether it is bad news.</param>
/// <param name="Text">The story.</param>
public sealed record TuningNews(string Reason, bool IsWarning, string Text);

/// <summary>
/// Turns deaths into counted incidents and steps, and quiet time into the way back. Pure: the same input gives the same ledger, and a ledger
/// that has seen the deaths gives itself. That makes the reaction safe to repeat after a crash at any point.
/// </summary>
public static class TuningLoop
{
    public static TuningOutcome Advance(TuningInput input)
    {
        var news = new List<TuningNews>();
        var ledger = ForgetDisallowedSteps(input, input.Ledger, news);
        ledger = Acknowledge(input, ledger, news);
        ledger = CountUnobserved(input, ledger, news);
        foreach (var death in input.Deaths)
        {
            if (death.IsIncident && !ledger.Counted.Contains(death.Key))
            {
                ledger = Count(input, ledger, death, news);
            }
        }

        ledger = RelaxPolicy.Advance(input, ledger, news);
        return new TuningOutcome(ledger, news, RelaxPolicy.RelaxAt(input.Spec, ledger));
    }

    /// <summary>The stable name of a death in status, events and logs.</summary>
    public static string IncidentId(Death death) =>
        $"{death.Pod}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(death.Key)))[..8]}";

    private static TuningLedger Count(TuningInput input, TuningLedger ledger, Death death, List<TuningNews> news)
    {
        var before = EffectiveScrape.Of(input.Spec, ledger.ActiveSteps, input.KeepLists);
        var hash = ServerConfigRenderer.Hash(ServerConfigRenderer.Render(input.Spec, before));
        var verdict = MemoryPolicyChain.Evaluate(new MemoryQuestion(death, ledger, input.Spec, input.KeepLists, hash, input.Now));
        var response = verdict.Reason;
        var id = IncidentId(death);
        var isMemory = death.Class == DeathClass.OutOfMemory;
        if (verdict.Step is { } step)
        {
            var after = EffectiveScrape.Of(input.Spec, [.. ledger.ActiveSteps, step.Name], input.KeepLists);
            var applied = new AppliedStep(step.Name, StepPreview.Detail(before, after), StepPreview.Expected(before, after, death.Message), id, input.Now);
            response = $"{(verdict.Answer == MemoryAnswer.Apply ? "" : "proposed ")}{step.Name}: {applied.Detail}; expected to save {applied.Expected}";
            ledger = verdict.Answer == MemoryAnswer.Apply
                ? ledger with
                {
                    Steps = [.. ledger.Steps, applied],
                    ChangedAt = input.Now,
                    Relapses = ledger.RelaxedStep == step.Name ? ledger.Relapses + 1 : ledger.Relapses,
                    RelaxedStep = ledger.RelaxedStep == step.Name ? null : ledger.RelaxedStep,
                }
                : ledger with { Proposed = [applied] };
        }

        news.Add(new(death.Class.ToString(), true, $"{death.Container} of {death.Pod} died: {death.Explanation}. {Sentence(response)}"));
        return ledger with
        {
            Counted = Remember(input, ledger, death.Key),
            Incidents = [.. ledger.Incidents.Prepend(Describe(death, id, response, input.Now)).Take(TuningLedger.MaxIncidents)],
            LastMemoryDeathAt = isMemory ? Later(ledger.LastMemoryDeathAt, death.FinishedAt ?? input.Now) : ledger.LastMemoryDeathAt,
            Exhausted = isMemory ? verdict.Answer == MemoryAnswer.Exhausted : ledger.Exhausted,
        };
    }

    /// <summary>Forgets the oldest keys above the limit, except of deaths that can still be seen: those would count again.</summary>
    private static List<string> Remember(TuningInput input, TuningLedger ledger, string key)
    {
        var visible = input.Deaths.Select(d => d.Key).ToHashSet(StringComparer.Ordinal);
        List<string> keys = [.. ledger.Counted, key];
        for (var i = 0; keys.Count > TuningLedger.MaxCounted && i < keys.Count;)
        {
            if (visible.Contains(keys[i]))
            {
                i++;
            }
            else
            {
                keys.RemoveAt(i);
            }
        }

        return keys;
    }

    private static Incident Describe(Death death, string id, string response, DateTimeOffset now) => new()
    {
        Id = id,
        Class = death.Class.ToString(),
        Explanation = death.Explanation,
        Response = response,
        Pod = death.Pod,
        Container = death.Container,
        Life = death.Life,
        ExitCode = death.ExitCode,
        Reason = death.Reason,
        Phase = death.Message?.Phase,
        At = death.FinishedAt ?? now,
        RssBytes = death.Message?.RssBytes,
        BudgetBytes = death.Message?.BudgetBytes,
        HeadSeries = death.Message?.HeadSeries,
        TopMetrics = death.Message is null ? null : [.. death.Message.TopMetrics().Take(5).Select(t => new TopMetric(t.Metric, t.Series))],
    };

    /// <summary>The spec wins: steps that it does not allow any more are not in force any more.</summary>
    private static TuningLedger ForgetDisallowedSteps(TuningInput input, TuningLedger ledger, List<TuningNews> news)
    {
        var allowed = input.Spec.Overload.Mode == OverloadSpec.Auto ? StepLadder.Of(input.Spec.Overload).Select(s => s.Name).ToHashSet(StringComparer.Ordinal) : [];
        var gone = ledger.Steps.Where(s => !allowed.Contains(s.Name)).ToList();
        IReadOnlyList<AppliedStep> proposals = input.Spec.Overload.Mode == OverloadSpec.Recommend ? [.. ledger.Proposed.Where(p => WouldChange(input, ledger, p.Name))] : [];
        if (gone.Count == 0 && proposals.Count == ledger.Proposed.Count)
        {
            return ledger;
        }

        foreach (var step in gone)
        {
            news.Add(new("Relaxed", false, $"{step.Name} was taken back: the spec does not allow it any more."));
        }

        return ledger with { Steps = [.. ledger.Steps.Except(gone)], Proposed = proposals, ChangedAt = gone.Count > 0 ? input.Now : ledger.ChangedAt };
    }

    /// <summary>A proposal that the user adopted, or that the spec has no rung for any more, changes nothing.</summary>
    private static bool WouldChange(TuningInput input, TuningLedger ledger, string step) => StepPreview.Changes(
        EffectiveScrape.Of(input.Spec, ledger.ActiveSteps, input.KeepLists),
        EffectiveScrape.Of(input.Spec, [.. ledger.ActiveSteps, step], input.KeepLists));

    private static TuningLedger Acknowledge(TuningInput input, TuningLedger ledger, List<TuningNews> news)
    {
        var id = input.Spec.Overload.AcknowledgedIncident;
        if (id is null || id == ledger.Acknowledged || ledger.Incidents.FirstOrDefault(i => i.Id == id) is not { } incident)
        {
            return ledger;
        }

        // The step of an incident is decided after the death, so its own step is named by the incident and older ones by their time.
        var kept = ledger.Steps.Where(s => s.Incident != id && s.Since > incident.At).ToList();
        foreach (var step in ledger.Steps.Except(kept))
        {
            news.Add(new("Relaxed", false, $"{step.Name} was taken back: incident {id} was acknowledged."));
        }

        return ledger with
        {
            Steps = kept,
            Acknowledged = id,
            Relapses = 0,
            Exhausted = false,
            ChangedAt = kept.Count == ledger.Steps.Count ? ledger.ChangedAt : input.Now,
        };
    }

    /// <summary>Lives that ended between two looks and left no other trace count as incidents of unknown cause, and change nothing.</summary>
    private static TuningLedger CountUnobserved(TuningInput input, TuningLedger ledger, List<TuningNews> news)
    {
        var ended = new SortedDictionary<string, int>(input.EndedLives.Where(l => l.Value > 0).ToDictionary(l => l.Key, l => l.Value), StringComparer.Ordinal);
        if (ledger.EndedLives.Count == ended.Count && ended.All(l => ledger.EndedLives.TryGetValue(l.Key, out var known) && known == l.Value))
        {
            return ledger;
        }

        foreach (var (uid, lives) in ended)
        {
            var known = ledger.EndedLives.GetValueOrDefault(uid);
            var visible = input.Deaths.Where(d => d.PodUid == uid && d.IsServer && d.Life > known).ToList();
            var hidden = lives - known - visible.Count;
            if (hidden <= 0)
            {
                continue;
            }

            var incident = new Incident
            {
                Id = string.Create(CultureInfo.InvariantCulture, $"unobserved-{uid[..Math.Min(8, uid.Length)]}-{lives}"),
                Class = nameof(DeathClass.Unobserved),
                Explanation = string.Create(CultureInfo.InvariantCulture, $"{hidden} more {(hidden == 1 ? "life" : "lives")} ended between two looks; the cause is not known"),
                Response = "nothing was tightened: the cause is not known",
                Pod = input.Deaths.FirstOrDefault(d => d.PodUid == uid)?.Pod,
                Life = lives,
                At = input.Now,
            };
            news.Add(new(incident.Class, true, incident.Explanation));
            ledger = ledger with { Incidents = [.. ledger.Incidents.Prepend(incident).Take(TuningLedger.MaxIncidents)] };
        }

        return ledger with { EndedLives = ended };
    }

    private static DateTimeOffset Later(DateTimeOffset? a, DateTimeOffset b) => a > b ? a.Value : b;

    private static string Sentence(string text) => text.Length == 0 ? "" : char.ToUpperInvariant(text[0]) + text[1..] + ".";
}
