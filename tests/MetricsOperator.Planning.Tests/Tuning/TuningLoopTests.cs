using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Planning.Incidents;
using MetricsOperator.Planning.Scraping;
using MetricsOperator.Planning.Tests.Support;
using MetricsOperator.Planning.Tuning;

namespace MetricsOperator.Planning.Tests.Tuning;

public sealed class TuningLoopTests
{
    private static readonly MetricsKeepList[] Lists = [TestStacks.KeepList("essentials", "crime_requests_total", "crime_errors_total", "crime_up")];

    private readonly MetricsStackSpec _spec = ApiJson.ReadSpec(TestStacks.CrimeSpec);
    private TuningLedger _ledger = TuningLedger.Empty;
    private DateTimeOffset _now = TestStacks.Now;
    private int _deaths;

    [Fact]
    public void Each_memory_death_takes_the_next_step_and_the_last_one_finds_none()
    {
        Die(Current());
        Assert.Equal(["RaiseInterval"], _ledger.ActiveSteps);
        Assert.Contains("15s -> 1m", _ledger.Steps[0].Detail);
        Die(Current());
        Assert.Equal(["RaiseInterval", "ApplyKeepLists"], _ledger.ActiveSteps);
        Assert.Contains("41000", _ledger.Steps[1].Expected);
        Assert.False(_ledger.Exhausted);
        Die(Current());
        Assert.True(_ledger.Exhausted);
        Assert.Equal(3, _ledger.Incidents.Count);
    }

    [Fact]
    public void The_same_death_seen_ten_times_is_one_incident_and_one_step()
    {
        var death = Death(Current());
        var first = Advance(death);
        for (var i = 0; i < 10; i++)
        {
            Assert.Same(first, Advance(death));
        }

        Assert.Single(first.Incidents);
        Assert.Single(first.Steps);
    }

    [Fact]
    public void A_death_under_the_older_configuration_counts_and_changes_nothing()
    {
        var old = Current();
        Die(old);
        Die(old);
        Assert.Equal(["RaiseInterval"], _ledger.ActiveSteps);
        Assert.Equal(2, _ledger.Incidents.Count);
        Assert.Contains("older configuration", _ledger.Incidents[0].Response);
    }

    [Fact]
    public void Without_last_words_the_start_of_the_life_decides_which_configuration_it_had()
    {
        Advance(Death(null) with { StartedAt = _now.AddMinutes(-1) });
        Assert.Single(_ledger.Steps);
        Advance(Death(null) with { StartedAt = _now.AddSeconds(-1) });
        Assert.Single(_ledger.Steps);
        _now = _now.AddMinutes(1);
        Advance(Death(null) with { StartedAt = _now.AddSeconds(-10) });
        Assert.Equal(2, _ledger.Steps.Count);
    }

    [Fact]
    public void Two_deaths_found_at_once_lead_to_one_step()
    {
        var hash = Current();
        Advance(Death(hash), Death(hash));
        Assert.Single(_ledger.Steps);
        Assert.Equal(2, _ledger.Incidents.Count);
    }

    [Fact]
    public void Other_causes_are_incidents_that_tighten_nothing()
    {
        foreach (var cause in Enum.GetValues<DeathClass>().Where(c => c is not (DeathClass.OutOfMemory or DeathClass.Stopped or DeathClass.Disrupted)))
        {
            _ledger = TuningLedger.Empty;
            Advance(Death(Current()) with { Class = cause });
            Assert.Empty(_ledger.Steps);
            Assert.Equal(cause.ToString(), Assert.Single(_ledger.Incidents).Class);
        }
    }

    [Fact]
    public void Ordinary_stops_leave_no_trace()
    {
        Assert.Same(_ledger, Advance(Death(Current()) with { Class = DeathClass.Stopped }));
    }

    [Fact]
    public void An_unsure_death_needs_a_second_one()
    {
        Advance(Death(Current()) with { Confidence = 0.7 });
        Assert.Empty(_ledger.Steps);
        _now = _now.AddMinutes(5);
        Advance(Death(Current()) with { Confidence = 0.7 });
        Assert.Single(_ledger.Steps);
    }

    [Fact]
    public void Recommend_proposes_and_Off_reports()
    {
        _spec.Overload.Mode = OverloadSpec.Recommend;
        Die(Current());
        Assert.Empty(_ledger.Steps);
        Assert.Equal("RaiseInterval", Assert.Single(_ledger.Proposed).Name);
        _spec.Overload.Mode = OverloadSpec.Off;
        Die(Current());
        Assert.Empty(_ledger.Steps);
        Assert.Empty(_ledger.Proposed);
        Assert.Equal(2, _ledger.Incidents.Count);
    }

    [Fact]
    public void Cooldown_holds_the_next_step_back()
    {
        _spec.Overload.Cooldown = "5m";
        Die(Current());
        _now = _now.AddMinutes(1);
        Die(Current());
        Assert.Single(_ledger.Steps);
        _now = _now.AddMinutes(5);
        Die(Current());
        Assert.Equal(2, _ledger.Steps.Count);
    }

    [Fact]
    public void A_relapse_within_the_cooldown_takes_the_step_again_at_once()
    {
        _spec.Overload.Cooldown = "5m";
        Die(Current());
        _now = _now.AddHours(2);
        Advance();
        Assert.Empty(_ledger.Steps);
        Die(Current());
        Assert.Equal(["RaiseInterval"], _ledger.ActiveSteps);
        Assert.Equal(1, _ledger.Relapses);
    }

    [Fact]
    public void A_death_that_stays_visible_is_never_counted_again()
    {
        var death = Death(Current());
        Advance(death);
        for (var i = 0; i <= TuningLedger.MaxCounted + 1; i++)
        {
            Advance(death, Death(Current()) with { Class = DeathClass.BadConfig });
        }

        Assert.DoesNotContain(_ledger.Incidents, i => i.Class == "OutOfMemory");
        Assert.Equal(TuningLedger.MaxCounted, _ledger.Counted.Count);
    }

    [Fact]
    public void Exhaustion_ends_with_quiet_time_although_no_step_can_be_taken_back()
    {
        _spec.Overload.Steps = [];
        Die(Current());
        Assert.True(_ledger.Exhausted);
        _now = _now.AddMinutes(59);
        Assert.Same(_ledger, Advance());
        _now = _now.AddMinutes(2);
        Advance();
        Assert.False(_ledger.Exhausted);
        Assert.Same(_ledger, Advance());
    }

    [Fact]
    public void A_proposal_goes_when_the_spec_adopts_it()
    {
        _spec.Overload.Mode = OverloadSpec.Recommend;
        Die(Current());
        _now = _now.AddDays(1);
        Assert.Same(_ledger, Advance());
        _spec.Scrape.Interval = "1m";
        Advance();
        Assert.Empty(_ledger.Proposed);
        Assert.Same(_ledger, Advance());
    }

    [Fact]
    public void A_step_that_would_change_nothing_is_passed_over()
    {
        _spec.Scrape.Interval = "1m";
        Die(Current());
        Assert.Equal(["ApplyKeepLists"], _ledger.ActiveSteps);

        _ledger = TuningLedger.Empty;
        _spec.Scrape.Jobs[0].KeepList = null;
        Die(Current());
        Assert.True(_ledger.Exhausted);
    }

    [Fact]
    public void Steps_that_the_spec_no_longer_allows_are_taken_back()
    {
        Die(Current());
        Die(Current());
        _spec.Overload.Steps!.RemoveAt(0);
        Advance();
        Assert.Equal(["ApplyKeepLists"], _ledger.ActiveSteps);
        _spec.Overload.Mode = OverloadSpec.Off;
        Advance();
        Assert.Empty(_ledger.Steps);
    }

    [Fact]
    public void Quiet_time_takes_one_step_back_at_a_time_and_a_relapse_doubles_it()
    {
        Die(Current());
        Die(Current());
        _now = _now.AddMinutes(59);
        Assert.Same(_ledger, Advance());
        _now = _now.AddMinutes(2);
        Advance();
        Assert.Equal(["RaiseInterval"], _ledger.ActiveSteps);
        _now = _now.AddMinutes(30);
        Die(Current());
        Assert.Equal(2, _ledger.Steps.Count);
        Assert.Equal(1, _ledger.Relapses);
        _now = _now.AddMinutes(90);
        Assert.Same(_ledger, Advance());
        _now = _now.AddMinutes(31);
        Advance();
        Assert.Single(_ledger.Steps);
    }

    [Fact]
    public void After_the_last_attempt_a_step_stays()
    {
        _spec.Overload.Relax.MaxAttempts = 1;
        Die(Current());
        _now = _now.AddHours(2);
        Advance();
        Assert.Empty(_ledger.Steps);
        Die(Current());
        _now = _now.AddDays(365);
        Assert.Same(_ledger, Advance());
        Assert.Single(_ledger.Steps);
    }

    [Fact]
    public void An_acknowledged_incident_takes_its_steps_back_once()
    {
        Die(Current());
        _now = _now.AddMinutes(1);
        Die(Current());
        _spec.Overload.AcknowledgedIncident = _ledger.Incidents[0].Id;
        Advance();
        Assert.Empty(_ledger.Steps);
        Die(Current());
        Assert.Single(_ledger.Steps);
        Assert.Same(_ledger, Advance());
    }

    [Fact]
    public void Lives_that_ended_without_a_trace_are_one_unobserved_incident()
    {
        var death = Death(Current()) with { Life = 3 };
        Advance(Lives(3), death);
        Assert.Equal(2, _ledger.Incidents.Count);
        Assert.Equal("Unobserved", _ledger.Incidents[1].Class);
        Assert.Contains("2 more lives", _ledger.Incidents[1].Explanation);
        Assert.Same(_ledger, Advance(Lives(3), death));
    }

    [Fact]
    public void Lives_that_are_all_seen_are_not_unobserved()
    {
        Advance(Lives(0));
        Assert.Same(TuningLedger.Empty, _ledger);
        var first = Death(Current()) with { Life = 1 };
        Advance(Lives(1), first);

        // The same death, first in state and then in lastState of the next life.
        Assert.Same(_ledger, Advance(Lives(1), first));
        Advance(Lives(2), first, Death(Current()) with { Life = 2, Class = DeathClass.Stopped });
        Advance(Lives(3), Death(Current()) with { Life = 3 });
        Assert.DoesNotContain(_ledger.Incidents, i => i.Class == "Unobserved");
    }

    [Fact]
    public void Ledger_survives_a_round_trip_and_stays_bounded()
    {
        for (var i = 0; i < 200; i++)
        {
            Die(Current());
        }

        Assert.Equal(TuningLedger.MaxIncidents, _ledger.Incidents.Count);
        Assert.Equal(TuningLedger.MaxCounted, _ledger.Counted.Count);
        var text = _ledger.Write();
        Assert.Equal(text, TuningLedger.Read(text).Write());
        Assert.True(text.Length < 32 * 1024, $"ledger has {text.Length} characters");
    }

    private string Current() => ServerConfigRenderer.Hash(ServerConfigRenderer.Render(_spec, EffectiveScrape.Of(_spec, _ledger.ActiveSteps, Lists)));

    private void Die(string configHash)
    {
        _now = _now.AddSeconds(1);
        Advance(Death(configHash));
    }

    private Death Death(string? configHash)
    {
        _deaths++;
        return new Death
        {
            Key = $"containerd://{_deaths}",
            Class = DeathClass.OutOfMemory,
            Rule = "oom-killed",
            Explanation = "the kernel killed it at its memory limit",
            Pod = "crime-0-abc",
            PodUid = "u1",
            Container = "server",
            ExitCode = 137,
            Reason = "OOMKilled",
            FinishedAt = _now,
            Message = configHash is null ? null : TerminationMessage.Parse(TestStacks.Message(configHash)),
        };
    }

    private static Dictionary<string, int> Lives(int ended) => new() { ["u1"] = ended };

    private TuningLedger Advance(params Death[] deaths) => Advance(new Dictionary<string, int>(), deaths);

    private TuningLedger Advance(Dictionary<string, int> lives, params Death[] deaths) =>
        _ledger = TuningLoop.Advance(new TuningInput(_ledger, _spec, Lists, deaths, lives, _now)).Ledger;
}
