namespace MetricsOperator.PromQL.Syntax;

/// <summary>Name and types of a function.</summary>
/// <param name="Name">As written; case-sensitive.</param>
/// <param name="ArgumentTypes">Types of the arguments; the last one repeats for variadic functions.</param>
/// <param name="Variadic">0: all arguments are required. n &gt; 0: up to n of the last may be left out or added. -1: the last may repeat without limit or be absent.</param>
/// <param name="ReturnType">What a call yields.</param>
/// <param name="Doc">One line that says what it does.</param>
/// <param name="Experimental">Only with <c>promql-experimental-functions</c>.</param>
public sealed record FunctionSignature(
    string Name, IReadOnlyList<PromType> ArgumentTypes, int Variadic, PromType ReturnType, string Doc, bool Experimental = false);
