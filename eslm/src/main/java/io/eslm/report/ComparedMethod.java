// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.train.Flops;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A method's finished runs, beside the base method's of the same seeds.
 *
 * @param name as {@code --methods} takes it
 * @param label the same, short: its folder's name
 * @param runs in the order of the seeds
 * @param base for each of these runs the base method's with its seed, or null while that is not finished
 */
record ComparedMethod(String name, String label, List<ComparedRun> runs, List<ComparedRun> base) {

    /** A figure of each run. */
    SampleStats spread(ToDoubleFunction<ComparedRun> figure) {
        return SampleStats.of(runs.stream().mapToDouble(figure).toArray());
    }

    /** A figure less the base method's with the same seed. */
    SampleStats difference(ToDoubleFunction<ComparedRun> figure) {
        return SampleStats.of(pairs(figure).mapToDouble(p -> p[0] - p[1]).toArray());
    }

    /** {@link SampleStats#pairedTest} of a figure. */
    double pValue(ToDoubleFunction<ComparedRun> figure) {
        return SampleStats.pairedTest(pairs(figure).mapToDouble(p -> p[0]).toArray(),
                pairs(figure).mapToDouble(p -> p[1]).toArray());
    }

    private Stream<double[]> pairs(ToDoubleFunction<ComparedRun> figure) {
        return IntStream.range(0, runs.size()).filter(i -> base.get(i) != null).mapToObj(
                i -> new double[] {figure.applyAsDouble(runs.get(i)), figure.applyAsDouble(base.get(i))});
    }

    /** FLOPs to the base run's last loss, as a share of what the base run needed; of the seeds that reached it. */
    SampleStats flopsToBase() {
        return SampleStats.of(ratios(ComparedRun::flopsTo).filter(Double::isFinite).toArray());
    }

    /** The same in seconds. */
    SampleStats secondsToBase() {
        return SampleStats.of(ratios(ComparedRun::secondsTo).filter(Double::isFinite).toArray());
    }

    /** What a run had spent when it reached a loss. */
    private interface Spent {
        double to(ComparedRun run, double loss);
    }

    private DoubleStream ratios(Spent spent) {
        double[] ratios = new double[runs.size()];
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = ratio(i, spent);
        }
        return DoubleStream.of(ratios);
    }

    private double ratio(int i, Spent spent) {
        ComparedRun other = base.get(i);
        if (other == null || other.curve().isEmpty()) {
            return Double.NaN;
        }
        double target = other.curve().getLast().loss();
        return spent.to(runs.get(i), target) / spent.to(other, target);
    }

    /** How many of the runs have one of the base method to be compared with. */
    int paired() {
        return (int) base.stream().filter(Objects::nonNull).count();
    }

    /** Names of all domains, in their order. */
    Set<String> domains() {
        Set<String> names = new LinkedHashSet<>();
        runs.forEach(run -> names.addAll(run.domains().keySet()));
        return names;
    }

    SampleStats domainPerplexity(String domain) {
        return spread(run -> Math.exp(run.domains().getOrDefault(domain, Double.NaN)));
    }

    JsonObject json() {
        JsonObject o = new JsonObject();
        o.addProperty("method", name);
        o.add("loss", spread(ComparedRun::loss).json());
        lessBase(o, "loss", ComparedRun::loss);
        o.add("perplexity", spread(run -> Math.exp(run.loss())).json());
        o.add("cvar90", spread(ComparedRun::tail).json());
        lessBase(o, "cvar90", ComparedRun::tail);
        o.add("worst_domain_perplexity", spread(run -> Math.exp(run.worstDomain())).json());
        lessBase(o, "worst_domain_loss", ComparedRun::worstDomain);
        JsonObject domains = new JsonObject();
        domains().forEach(name -> domains.add(name, domainPerplexity(name).json()));
        o.add("domain_perplexity", domains);
        o.add("flops", spread(run -> run.flops().total()).json());
        o.add("seconds", spread(ComparedRun::seconds).json());
        o.add("flops_to_base", flopsToBase().json());
        o.add("seconds_to_base", secondsToBase().json());
        JsonArray all = new JsonArray();
        for (int i = 0; i < runs.size(); i++) {
            all.add(json(i));
        }
        o.add("runs", all);
        return o;
    }

    private void lessBase(JsonObject o, String key, ToDoubleFunction<ComparedRun> figure) {
        o.add(key + "_less_base", difference(figure).json());
        o.add(key + "_p_value", Json.number(pValue(figure)));
    }

    private JsonObject json(int i) {
        ComparedRun run = runs.get(i);
        JsonObject o = new JsonObject();
        o.addProperty("seed", run.seed());
        o.add("loss", Json.number(run.loss()));
        o.add("cvar90", Json.number(run.tail()));
        JsonObject domains = new JsonObject();
        run.domains().forEach((domain, loss) -> domains.add(domain, Json.number(loss)));
        o.add("domains", domains);
        o.add("flops", Json.of(run.flops()));
        o.add("seconds", Json.number(run.seconds()));
        o.add(ComparedRun.OTHER_LOAD, Json.number(run.otherLoad()));
        o.add("flops_to_base", Json.number(ratio(i, ComparedRun::flopsTo)));
        o.add("seconds_to_base", Json.number(ratio(i, ComparedRun::secondsTo)));
        return o;
    }

    /** Mean over the seeds of what each phase took. */
    Flops meanFlops() {
        Flops sum = runs.stream().map(ComparedRun::flops).reduce(Flops.ZERO, Flops::plus);
        int n = Math.max(1, runs.size());
        return new Flops(sum.forward() / n, sum.backward() / n, sum.selection() / n, sum.earlyExit() / n);
    }
}
