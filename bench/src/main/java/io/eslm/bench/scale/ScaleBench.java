// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.scale;

import io.eslm.report.Table;
import io.eslm.tensor.UserError;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Foretells how a training scales: the cost model of docs/scale.md, and a simulation with slow and failing machines. */
@Command(name = "scale",
        description = "Foretells how a training scales over machines: a cost model, and a simulation with machines that are slow or "
                + "fail. It measures nothing: give it figures of your machines.",
        mixinStandardHelpOptions = true, showDefaultValues = true)
public final class ScaleBench implements Callable<Integer> {
    private static final double DAY = 86_400;
    private static final double[] OF_YOUNG = {0.25, 1, 4};

    @Option(names = "--ranks", split = ",", description = "numbers of machines")
    private List<Integer> ranks = List.of(1, 2, 4, 16, 64, 256, 1024);
    @Option(names = "--parameters", description = "parameters of the model")
    private double parameters = 124_439_808;
    @Option(names = "--tokens", description = "tokens in a step, of all ranks together")
    private double tokens = 524_288;
    @Option(names = "--speed", description = "tokens a second of one machine")
    private double speed = 480;
    @Option(names = "--gbit", description = "network, Gbit/s each way")
    private double gbit = 25;
    @Option(names = "--latency", description = "microseconds that a small message takes")
    private double latency = 20;
    @Option(names = "--jitter", description = "standard deviation of a rank's time in a step, as a share of it")
    private double jitter = 0.03;
    @Option(names = "--slow-days", description = "mean days between a machine's becoming slow; 0: never")
    private double slowDays = 30;
    @Option(names = "--slow-minutes", description = "minutes that a slow machine stays slow")
    private double slowMinutes = 30;
    @Option(names = "--slow-factor", description = "how many times as long a slow machine takes for a step")
    private double slowFactor = 1.5;
    @Option(names = "--mtbf-days", description = "mean days between a machine's failures; 0: never")
    private double mtbfDays = 100;
    @Option(names = "--checkpoint", description = "seconds to write a checkpoint")
    private double checkpoint = 10;
    @Option(names = "--restart", description = "seconds from a failure until all ranks work again")
    private double restart = 60;
    @Option(names = "--days", description = "days to simulate")
    private double days = 60;
    @Option(names = "--seed", description = "seed of the simulation")
    private long seed = 1;

    @Override
    public Integer call() {
        Map.of("--parameters", parameters, "--tokens", tokens, "--speed", speed, "--gbit", gbit, "--days", days,
                "--slow-factor", slowFactor).forEach(
                        (name, value) -> UserError.check(value > 0 && value < 1e300,
                                "%s %s: must be above 0", name, value));
        Map.of("--latency", latency, "--jitter", jitter, "--slow-days", slowDays, "--slow-minutes", slowMinutes,
                "--mtbf-days", mtbfDays, "--checkpoint", checkpoint, "--restart", restart)
                .forEach((name, value) -> UserError.check(value >= 0 && value < 1e300, "%s %s: must be at least 0",
                        name, value));
        ranks.forEach(n -> UserError.check(n >= 1 && n <= 1 << 20, "--ranks %d: must be from 1 to %d", n, 1 << 20));
        ScaleModel model = new ScaleModel(parameters, tokens, speed, gbit * 1e9 / 8, latency * 1e-6, jitter,
                never(slowDays), slowMinutes * 60, slowFactor, never(mtbfDays), checkpoint, restart);
        Table table = new Table(String.format(Locale.ROOT,
                "%.4g parameters, %.4g tokens a step, %.4g tokens/s a machine, %.3g Gbit/s", parameters, tokens, speed,
                gbit),
                "ranks", "compute", "exchange", "efficiency, model", "waits for the slowest",
                "checkpoint every (Young)",
                "Daly", "with failures", "at ¼ of it", "at 4 times it", "failures", "steps again");
        for (int n : ranks) {
            table.add(row(model, n));
        }
        System.out.print(table.text());
        System.out
                .printf(Locale.ROOT,
                        "%nTimes in seconds; efficiencies are shares of the time in which the ranks compute, simulated "
                                + "over %.3g days: first with noise and slow machines alone, then with failures too.%n",
                        days);
        return 0;
    }

    private static double never(double days) {
        return days == 0 ? Double.POSITIVE_INFINITY : days * DAY;
    }

    private List<String> row(ScaleModel model, int n) {
        double quiet = run(model.withoutFailures(), n, Double.POSITIVE_INFINITY).efficiency();
        ScaleSimulation.Outcome[] failing = new ScaleSimulation.Outcome[OF_YOUNG.length];
        for (int i = 0; i < failing.length; i++) {
            failing[i] = run(model, n, OF_YOUNG[i] * model.young(n));
        }
        return List.of(String.valueOf(n), seconds(model.compute(n)), seconds(model.exchange(n)),
                share(model.efficiency(n)),
                share(quiet), seconds(model.young(n)), seconds(model.daly(n)), share(failing[1].efficiency()),
                share(failing[0].efficiency()), share(failing[2].efficiency()), String.valueOf(failing[1].failures()),
                String.valueOf(failing[1].stepsDoneAgain()));
    }

    private ScaleSimulation.Outcome run(ScaleModel model, int n, double interval) {
        return ScaleSimulation.run(model, n, interval, days * DAY, seed);
    }

    private static String seconds(double s) {
        return Double.isInfinite(s) ? "never" : String.format(Locale.ROOT, s < 100 ? "%.3g" : "%.0f", s);
    }

    private static String share(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }
}
