// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.train.Flops;
import io.eslm.report.RunLog;
import io.eslm.task.TaskFigures;
import io.eslm.tensor.io.Json;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A method's finished runs, with the base method's runs of the same seeds.
 *
 * @param name the text of its {@link ComparisonEntry}
 * @param label its folder's name, which is shorter
 * @param runs in the order of the seeds
 * @param base for each run the base method's with the same seed, or null if that is not finished
 */
record ComparedMethod(String name, String label, List<ComparedRun> runs, List<ComparedRun> base) {

    /** Statistics of a figure over the runs. */
    SampleStats stats(ToDoubleFunction<ComparedRun> figure) {
        return SampleStats.of(runs.stream().mapToDouble(figure).toArray());
    }

    /** Statistics of a figure minus the base method's with the same seed. */
    SampleStats difference(ToDoubleFunction<ComparedRun> figure) {
        return SampleStats.of(pairs(figure).mapToDouble(p -> p[0] - p[1]).toArray());
    }

    /** Of this method only the runs that have {@code figure}, and of the base method's. */
    ComparedMethod having(ToDoubleFunction<ComparedRun> figure) {
        List<ComparedRun> some = new ArrayList<>();
        List<ComparedRun> others = new ArrayList<>();
        for (int i = 0; i < runs.size(); i++) {
            if (!Double.isNaN(figure.applyAsDouble(runs.get(i)))) {
                ComparedRun other = base.get(i);
                some.add(runs.get(i));
                others.add(other == null || Double.isNaN(figure.applyAsDouble(other)) ? null : other);
            }
        }
        return new ComparedMethod(name, label, some, others);
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

    /** FLOPs to the base run's last loss divided by those of the base run, over the seeds that reached it. */
    SampleStats flopsToBase() {
        return SampleStats.ofRatios(ratios(ComparedRun::flopsTo).filter(Double::isFinite).toArray());
    }

    /** Like {@link #flopsToBase}, in seconds. */
    SampleStats secondsToBase() {
        return SampleStats.ofRatios(ratios(ComparedRun::secondsTo).filter(Double::isFinite).toArray());
    }

    /** The cost at which a run reaches a loss. */
    private interface Spent {
        double to(ComparedRun run, double loss);
    }

    private DoubleStream ratios(Spent spent) {
        return IntStream.range(0, runs.size()).mapToDouble(i -> ratio(i, spent));
    }

    private double ratio(int i, Spent spent) {
        ComparedRun other = base.get(i);
        if (other == null || other.curve().isEmpty()) {
            return Double.NaN;
        }
        double target = other.curve().getLast().loss();
        return spent.to(runs.get(i), target) / spent.to(other, target);
    }

    /** The number of runs whose base run is finished. */
    int paired() {
        return (int) base.stream().filter(Objects::nonNull).count();
    }

    /** The names of all domains, in order. */
    Set<String> domains() {
        Set<String> names = new LinkedHashSet<>();
        runs.forEach(run -> names.addAll(run.domains().keySet()));
        return names;
    }

    SampleStats domainPerplexity(String domain) {
        return stats(run -> Math.exp(run.domains().getOrDefault(domain, Double.NaN)));
    }

    JsonObject json() {
        JsonObject o = new JsonObject();
        o.addProperty("method", name);
        o.add("loss", stats(ComparedRun::loss).json());
        minusBase(o, "loss", ComparedRun::loss);
        o.add("bits_per_byte", stats(ComparedRun::bitsPerByte).json());
        minusBase(o, "bits_per_byte", ComparedRun::bitsPerByte);
        o.add("perplexity", stats(run -> Math.exp(run.loss())).json());
        o.add("cvar90", stats(ComparedRun::tail).json());
        minusBase(o, "cvar90", ComparedRun::tail);
        o.add("worst_domain_perplexity", stats(run -> Math.exp(run.worstDomain())).json());
        minusBase(o, "worst_domain_loss", ComparedRun::worstDomain);
        JsonObject domains = new JsonObject();
        domains().forEach(name -> domains.add(name, domainPerplexity(name).json()));
        o.add("domain_perplexity", domains);
        o.add(TaskFigures.FIELD, tasks());
        o.add("flops", stats(run -> run.flops().total()).json());
        o.add("seconds", stats(ComparedRun::seconds).json());
        o.add("flops_to_base", flopsToBase().json());
        o.add("seconds_to_base", secondsToBase().json());
        JsonArray all = new JsonArray();
        for (int i = 0; i < runs.size(); i++) {
            all.add(json(i));
        }
        o.add("runs", all);
        return o;
    }

    private JsonObject tasks() {
        JsonObject all = new JsonObject();
        for (ComparedRun run : runs) {
            for (String task : run.tasks().tasks().keySet()) {
                JsonObject o = new JsonObject();
                for (String metric : run.tasks().metrics(task)) {
                    ToDoubleFunction<ComparedRun> figure = r -> r.tasks().value(task, metric);
                    o.add(metric, having(figure).stats(figure).json());
                    having(figure).minusBase(o, metric, figure);
                }
                all.add(task, o);
            }
        }
        return all;
    }

    private void minusBase(JsonObject o, String key, ToDoubleFunction<ComparedRun> figure) {
        o.add(key + "_less_base", difference(figure).json());
        o.add(key + "_p_value", Json.number(pValue(figure)));
    }

    private JsonObject json(int i) {
        ComparedRun run = runs.get(i);
        JsonObject o = new JsonObject();
        o.addProperty("seed", run.seed());
        o.add("loss", Json.number(run.loss()));
        o.add("bits_per_byte", Json.number(run.bitsPerByte()));
        o.add("cvar90", Json.number(run.tail()));
        JsonObject domains = new JsonObject();
        run.domains().forEach((domain, loss) -> domains.add(domain, Json.number(loss)));
        o.add("domains", domains);
        o.add(TaskFigures.FIELD, run.tasks().json());
        o.add("flops", RunLog.json(run.flops()));
        o.add("seconds", Json.number(run.seconds()));
        o.add(ComparedRun.OTHER_LOAD, Json.number(run.otherLoad()));
        o.add("flops_to_base", Json.number(ratio(i, ComparedRun::flopsTo)));
        o.add("seconds_to_base", Json.number(ratio(i, ComparedRun::secondsTo)));
        return o;
    }

    /** Mean FLOPs of each phase over the seeds. */
    Flops meanFlops() {
        Flops sum = runs.stream().map(ComparedRun::flops).reduce(Flops.ZERO, Flops::plus);
        int n = Math.max(1, runs.size());
        return new Flops(sum.forward() / n, sum.backward() / n, sum.selection() / n, sum.earlyExit() / n);
    }
}
