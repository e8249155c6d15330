// SPDX-License-Identifier: Apache-2.0
//
// Draws the pictures of the course:
//
//   bin/eslm run docs/course/Pictures.java [FOLDER]     the folder is docs/course/pictures if you name none
//
// Some show a model: it is trained first, as in chapter 7, in a few seconds. The same bits on every machine whose vectors are as
// wide, so a picture says which arithmetic it was drawn with.

import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.optim.AdamW;
import io.eslm.autograd.optim.AdamWOptions;
import io.eslm.autograd.optim.Optimizer;
import io.eslm.autograd.optim.Schedule;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.inspect.Inspection;
import io.eslm.gpt2.train.Objective;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;

void main(String[] args) throws IOException {
    Path folder = Path.of(args.length > 0 ? args[0] : "docs/course/pictures");
    Files.createDirectories(folder);
    rowMajor().write(folder.resolve("row-major.svg"));
    chainRule().write(folder.resolve("chain-rule.svg"));
    differenceError().write(folder.resolve("difference-error.svg"));
    gpt2().write(folder.resolve("gpt2.svg"));
    gelu().write(folder.resolve("gelu.svg"));
    schedule().write(folder.resolve("schedule.svg"));
    valueAtRisk().write(folder.resolve("value-at-risk.svg"));
    roofline().write(folder.resolve("roofline.svg"));
    trained(folder);
}

// ---- paper and pens

/** A picture in two colour schemes; sizes are pixels. */
class Svg {
    static final String STYLE = """
            <style>
            .paper{fill:#fff}.ink{fill:#1f2328}.dim{fill:#59636e}.line{stroke:#59636e;stroke-width:1.2;fill:none}.faint{stroke:#d1d9e0}
            .box{fill:#eef2f6;stroke:#59636e}.a{fill:#0072b2}.b{fill:#d55e00}.curve{fill:none;stroke-width:2.2}
            .curve.a{fill:none;stroke:#0072b2}.curve.b{fill:none;stroke:#d55e00}text{font:14px system-ui,sans-serif}.small{font-size:12px}
            @media(prefers-color-scheme:dark){.paper{fill:#0d1117}.ink{fill:#f0f6fc}.dim{fill:#9198a1}.line{stroke:#9198a1}.faint{stroke:#3d444d}
            .box{fill:#212830;stroke:#9198a1}.a{fill:#56b4e9}.b{fill:#e69f00}.curve.a{stroke:#56b4e9}.curve.b{stroke:#e69f00}}
            </style>
            """;
    final StringBuilder out = new StringBuilder();

    Svg(int width, int height, String title, String note) {
        add("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' width='%d' height='%d' role='img'>\n", width, height, width, height);
        add("<title>%s</title>\n", title);
        out.append(note.isEmpty() ? "" : "<!-- " + note + " -->\n").append(STYLE);
        add("<rect class='paper' width='%d' height='%d' rx='6'/>\n", width, height);
    }

    Svg add(String format, Object... values) {
        out.append(String.format(Locale.ROOT, format, values));
        return this;
    }

    Svg text(double x, double y, String style, String anchor, String text) {
        return add("<text class='%s' x='%.1f' y='%.1f' text-anchor='%s'>%s</text>\n", style, x, y, anchor, text);
    }

    Svg rect(double x, double y, double w, double h, String style) {
        return add("<rect class='%s' x='%.1f' y='%.1f' width='%.1f' height='%.1f' rx='3'/>\n", style, x, y, w, h);
    }

    Svg path(String style, String d) {
        return add("<path class='%s' d='%s'/>\n", style, d);
    }

    /** A line with a head, horizontal or not. */
    Svg arrow(double x1, double y1, double x2, double y2) {
        double angle = Math.atan2(y2 - y1, x2 - x1);
        String head = "";
        for (double turn : new double[] {-0.4, 0.4}) {
            head += String.format(Locale.ROOT, "M%.1f %.1fL%.1f %.1f", x2, y2, x2 - 8 * Math.cos(angle + turn), y2 - 8 * Math.sin(angle + turn));
        }
        return path("line", String.format(Locale.ROOT, "M%.1f %.1fL%.1f %.1f", x1, y1, x2, y2) + head);
    }

    void write(Path file) throws IOException {
        Files.writeString(file, out + "</svg>\n");
    }
}

/** Axes, linear or logarithmic, on a picture of 560 × 300. */
class Plot {
    static final int LEFT = 70, RIGHT = 540, TOP = 30, BOTTOM = 250;
    final Svg svg;
    final double x0, x1, y0, y1;
    final boolean logX, logY;

    Plot(String title, String note, boolean logX, double x0, double x1, boolean logY, double y0, double y1, String xName, String yName) {
        svg = new Svg(560, 300, title, note);
        this.logX = logX;
        this.logY = logY;
        this.x0 = x0;
        this.x1 = x1;
        this.y0 = y0;
        this.y1 = y1;
        svg.text(RIGHT, BOTTOM + 40, "dim", "end", xName).text(LEFT - 50, TOP - 10, "dim", "start", yName);
        svg.path("line", "M%d %dV%dH%d".formatted(LEFT, TOP, BOTTOM, RIGHT));
    }

    double x(double v) {
        return LEFT + (RIGHT - LEFT) * share(v, x0, x1, logX);
    }

    double y(double v) {
        return BOTTOM - (BOTTOM - TOP) * share(v, y0, y1, logY);
    }

    double share(double v, double low, double high, boolean log) {
        return log ? Math.log(v / low) / Math.log(high / low) : (v - low) / (high - low);
    }

    Plot ticksX(String[] names, double... at) {
        for (int i = 0; i < at.length; i++) {
            svg.text(x(at[i]), BOTTOM + 18, "dim small", "middle", names[i]);
        }
        return this;
    }

    Plot ticksY(String[] names, double... at) {
        for (int i = 0; i < at.length; i++) {
            svg.path("line faint", String.format(Locale.ROOT, "M%d %.1fH%d", LEFT + 1, y(at[i]), RIGHT));
            svg.text(LEFT - 6, y(at[i]) + 4, "dim small", "end", names[i]);
        }
        return this;
    }

    Plot curve(String colour, double[] x, double[] y) {
        StringBuilder d = new StringBuilder();
        for (int i = 0; i < x.length; i++) {
            d.append(String.format(Locale.ROOT, "%s%.1f %.1f", i == 0 ? "M" : "L", x(x[i]), y(Math.clamp(y[i], Math.min(y0, y1), y1))));
        }
        svg.path("curve " + colour, d.toString());
        return this;
    }

    Plot label(double x, double y, String style, String anchor, String text) {
        svg.text(x(x), y(y), style, anchor, text);
        return this;
    }
}

double[] values(int n, DoubleUnaryOperator f) {
    return IntStream.range(0, n).mapToDouble(f::applyAsDouble).toArray();
}

double[] map(double[] x, DoubleUnaryOperator f) {
    return Arrays.stream(x).map(f).toArray();
}

/** 10 to these powers, as one writes them. */
String[] powers(int... exponents) {
    return Arrays.stream(exponents).mapToObj(e -> "10" + String.valueOf(e).chars()
            .mapToObj(c -> c == '-' ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹".substring(c - '0', c - '0' + 1)).reduce("", String::concat)).toArray(String[]::new);
}

// ---- chapters 1 to 4

Svg rowMajor() {
    Svg svg = new Svg(560, 190, "Row-major order", "");
    svg.text(20, 30, "dim", "start", "memory: one line");
    for (int i = 0; i < 6; i++) {
        svg.rect(20 + 48 * i, 42, 46, 34, "box").rect(20 + 48 * i, 74, 46, 4, i < 3 ? "a" : "b");
        svg.text(43 + 48 * i, 64, "ink", "middle", String.valueOf(i + 1)).text(43 + 48 * i, 94, "dim small", "middle", String.valueOf(i));
    }
    svg.text(330, 64, "dim", "start", "element (i, j) of (2, 3):").text(330, 84, "dim", "start", "number 3·i + j");
    svg.text(20, 130, "dim", "start", "shape (2, 3)");
    for (int i = 0; i < 6; i++) {
        double x = 130 + 48 * (i % 3), y = 110 + 36 * (i / 3);
        svg.rect(x, y, 46, 34, "box").rect(x, y + 30, 46, 4, i < 3 ? "a" : "b").text(x + 23, y + 22, "ink", "middle", String.valueOf(i + 1));
    }
    return svg;
}

Svg chainRule() {
    Svg svg = new Svg(560, 220, "f = (a + b)·a, forward and backward", "");
    node(svg, 70, 60, "a", "2", "5 + 2 = 7");
    node(svg, 70, 150, "b", "3", "2");
    node(svg, 280, 130, "s = a + b", "5", "2");
    node(svg, 480, 80, "f = s·a", "10", "1");
    svg.arrow(115, 150, 225, 140).arrow(115, 75, 225, 118).arrow(335, 122, 425, 96).arrow(115, 56, 425, 70);
    svg.text(20, 208, "a small", "start", "blue: values, computed from left to right").text(290, 208, "b small", "start",
            "orange: slopes of f, from right to left");
    return svg;
}

void node(Svg svg, double x, double y, String name, String value, String slope) {
    double half = name.length() > 2 ? 55 : 45;
    svg.rect(x - half, y - 26, 2 * half, 56, "box").text(x, y - 8, "ink", "middle", name).text(x, y + 9, "a", "middle", value)
            .text(x, y + 25, "b", "middle", slope);
}

/** The error of (f(x + h) − f(x − h))/2h for f = x³ at 2, the largest of 21 points nearby: rounding is a matter of luck. */
Svg differenceError() {
    double[] h = values(49, i -> Math.pow(10, -12 + i / 4.0));
    double[] inDouble = map(h, step -> IntStream.range(0, 21).mapToDouble(k -> {
        double x = 2 + k * 1e-3;
        return Math.abs((cube(x + step) - cube(x - step)) / (2 * step) - 3 * x * x);
    }).max().orElseThrow());
    double[] inFloat = map(h, step -> IntStream.range(0, 21).mapToDouble(k -> {
        float x = 2 + k * 1e-3f;
        float above = x + (float) step, below = x - (float) step;
        float slope = (above * above * above - below * below * below) / (2 * (float) step);
        return Math.abs(slope - 3.0 * x * x);
    }).max().orElseThrow());
    return new Plot("Error of a measured slope", "", true, 1e-12, 1, true, 1e-11, 10, "step h", "error of the slope of x³ at 2")
            .ticksX(powers(-12, -9, -6, -3, 0), 1e-12, 1e-9, 1e-6, 1e-3, 1)
            .ticksY(powers(-10, -7, -4, -1), 1e-10, 1e-7, 1e-4, 1e-1)
            .curve("a", h, inDouble).curve("b", h, inFloat)
            .label(3e-11, 1.5e-3, "a", "start", "double").label(2e-4, 2.5e-1, "b", "middle", "float")
            .label(1e-10, 3e-9, "dim small", "start", "rounding").label(2e-2, 1e-6, "dim small", "start", "truncation").svg;
}

double cube(double x) {
    return x * x * x;
}

// ---- chapter 6 and 7

Svg gpt2() {
    Svg svg = new Svg(560, 330, "GPT-2", "");
    String[] words = {"the", "cat", "sat"};
    for (int i = 0; i < 3; i++) {
        double x = 70 + 90 * i;
        svg.text(x, 312, "ink", "middle", words[i]).arrow(x, 296, x, 282).arrow(x, 250, x, 222).arrow(x, 160, x, 132).arrow(x, 96, x, 66)
                .text(x, 56, "ink", "middle", i == 2 ? "on?" : words[i + 1] + "?");
    }
    svg.rect(20, 252, 280, 28, "box").text(160, 271, "ink", "middle", "embedding: token + position");
    svg.rect(20, 162, 280, 58, "box").text(160, 186, "ink", "middle", "block: + attention, + MLP").text(160, 207, "dim small", "middle",
            "12 times, each with weights of its own");
    svg.rect(20, 98, 280, 32, "box").text(160, 119, "ink", "middle", "norm, head: V scores");
    svg.text(160, 26, "dim", "middle", "the guess at each next token");
    svg.text(330, 271, "dim", "start", "ids → rows (T, C)").text(330, 186, "a", "start", "attention: rows talk").text(330, 207, "b", "start",
            "MLP: each row thinks for itself").text(330, 119, "dim", "start", "(T, C) → logits (T, V)");
    return svg;
}

Svg gelu() {
    double[] x = values(121, i -> -4 + i / 15.0);
    double[] y = map(x, v -> 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v))));
    return new Plot("GELU", "", false, -4, 4, false, -1, 4, "x", "")
            .ticksX(new String[] {"−4", "−2", "0", "2", "4"}, -4, -2, 0, 2, 4).ticksY(new String[] {"0", "2", "4"}, 0, 2, 4)
            .curve("b", x, map(x, v -> Math.max(0, v))).curve("a", x, y)
            .label(-3.5, 3, "a", "start", "gelu(x)").label(-3.5, 2.4, "b", "start", "max(0, x)").svg;
}

Svg schedule() {
    Schedule rate = Schedule.constant(3e-3).withWarmup(10).withCosineDecay(3e-4, 300);
    double[] steps = values(301, i -> i);
    return new Plot("Learning rate", "", false, 0, 300, false, 0, 0.0033, "step", "learning rate")
            .ticksX(new String[] {"0", "100", "200", "300"}, 0, 100, 200, 300).ticksY(new String[] {"0.001", "0.002", "0.003"}, 0.001, 0.002, 0.003)
            .curve("a", steps, map(steps, s -> rate.at((long) s))).svg;
}

/** The texts, the model and the loop of chapter 7; draws its loss, and its attention before and after. */
void trained(Path folder) throws IOException {
    try (Backend backend = Backends.open("auto", 0)) {
        Gpt2Config config = Gpt2Config.of(1, 1, 32, 24).with(Gpt2Config.VOCAB_SIZE, 16);
        Gpt2 student = new Gpt2(config, backend, Weights.random(config, backend, Rng.of(1)));
        attention(student, "before").write(folder.resolve("attention-before.svg"));
        Optimizer optimizer = new AdamW(student.parameters(), AdamWOptions.DEFAULT);
        Workspace memory = new Workspace(backend);
        Rng data = Rng.of(5);
        double[] losses = new double[301];
        for (int step = 0; step < losses.length; step++) {
            int[] inputs = new int[16 * 24];
            int[] targets = new int[16 * 24];
            for (int b = 0; b < 16; b++) {
                int[] ids = song(data);
                System.arraycopy(ids, 0, inputs, b * 24, 24);
                System.arraycopy(ids, 1, targets, b * 24, 24);
            }
            try (Tape t = Tape.recording(memory, Rng.of(0))) {
                Variable loss = student.logits(student.forward(t, t.put(inputs, 16, 24))).crossEntropy(targets);
                loss.backward();
                optimizer.step(3e-3, Optimizer.clipScale(optimizer.gradientNorm(), 1));
                losses[step] = loss.item();
            }
        }
        attention(student, "after").write(folder.resolve("attention-after.svg"));
        double floor = 7 * Math.log(16) / 24;
        new Plot("Loss", backend.arithmetic(), false, 0, 300, false, 0, 3, "step", "loss, nats")
                .ticksX(new String[] {"0", "100", "200", "300"}, 0, 100, 200, 300)
                .ticksY(new String[] {"0", "1", "2", "ln 16"}, 0, 1, 2, Math.log(16))
                .curve("b", new double[] {0, 300}, new double[] {floor, floor}).curve("a", values(losses.length, i -> i), losses)
                .label(4, floor - 0.2, "b small", "start", "floor: 7 of 24 guesses are blind").svg.write(folder.resolve("loss.svg"));
    }
}

int[] song(Rng rng) {
    int[] ids = new int[25];
    for (int i = 0; i < 25; i++) {
        ids[i] = i < 8 ? rng.nextInt(16) : ids[i - 8];
    }
    return ids;
}

Svg attention(Gpt2 model, String when) {
    Tensor pattern = Inspection.run(model, song(Rng.of(99)), new Objective.Mean(), "blocks.0.attn.pattern").get("pattern", 0);
    Svg svg = new Svg(300, 320, "Attention " + when + " training", model.backend().arithmetic());
    svg.text(24, 24, "ink", "start", when + " training");
    for (int i = 0; i < 24; i++) {
        for (int j = 0; j <= i; j++) {
            double share = pattern.get(0, 0, i, j);
            svg.add("<rect class='faint' x='%d' y='%d' width='10' height='10' fill='none' stroke-width='.5'/>", 24 + 11 * j, 36 + 11 * i);
            svg.add("<rect class='a' x='%d' y='%d' width='10' height='10' fill-opacity='%.2f'/>\n", 24 + 11 * j, 36 + 11 * i, share);
        }
    }
    svg.text(24, 314, "dim small", "start", "where it looks, from the first letter on");
    return svg.add("<text class='dim small' transform='translate(16 298) rotate(-90)'>who looks: the last letter is below</text>\n");
}

// ---- chapters 8 and 9

Svg valueAtRisk() {
    float[] losses = {0.1f, 2.0f, 0.3f, 5.0f, 0.2f, 1.0f, 0.1f, 3.0f, 0.5f, 0.4f};
    float threshold = ValueAtRisk.of(losses, 0.3);
    Arrays.sort(losses);
    Svg svg = new Svg(560, 250, "Value-at-risk of ten losses", "");
    for (int i = 0; i < losses.length; i++) {
        double height = 34 * losses[i];
        svg.rect(40 + 50 * i, 210 - height, 40, height, losses[i] < threshold ? "dim" : "a")
                .text(60 + 50 * i, 202 - height, "ink small", "middle", String.valueOf(losses[i]))
                .text(60 + 50 * i, 230, "dim small", "middle", String.valueOf(i + 1));
    }
    svg.path("line", "M30 210H545").text(40, 40, "ink", "start", "α = 0.3: the rank k = 3 is the first with k/10 ≥ 0.3")
            .text(40, 62, "a", "start", "kept: the threshold, 0.2, and all above").text(40, 84, "dim", "start", "dropped: what is below")
            .text(545, 246, "dim small", "end", "rank");
    return svg;
}

Svg roofline() {
    double[] x = values(73, i -> Math.pow(10, -1.5 + i / 16.0));
    Plot plot = new Plot("Roofline", "", true, Math.pow(10, -1.5), 1e3, true, 1e9, 2e14, "FLOP for each byte moved", "FLOP/s")
            .ticksX(new String[] {"0.1", "1", "10", "100", "1000"}, 0.1, 1, 10, 100, 1000)
            .ticksY(powers(9, 10, 11, 12, 13, 14), 1e9, 1e10, 1e11, 1e12, 1e13, 1e14)
            .curve("b", x, map(x, i -> Math.min(67e12, i * 3.35e12))).curve("a", x, map(x, i -> Math.min(500e9, i * 65e9)))
            .label(9e2, 9e13, "b", "end", "a GPU: 67 TFLOP/s, 3.35 TB/s").label(9e2, 7e11, "a", "end", "two cores: 500 GFLOP/s, 65 GB/s");
    Object[][] kernels = {{1 / 12.0, "x + y"}, {0.5, "writing one token"}, {1.0, "layer norm"}, {192.0, "matrix product, 1024 rows"}};
    for (int i = 0; i < kernels.length; i++) {
        double at = (double) kernels[i][0];
        double best = Math.min(500e9, at * 65e9);
        plot.svg.add("<circle class='a' cx='%.1f' cy='%.1f' r='4'/>\n", plot.x(at), plot.y(best));
        plot.svg.text(plot.x(at) + (i == 3 ? 0 : 9), plot.y(best) + (i == 3 ? 18 : i == 2 ? 4 : 14), "ink small", i == 3 ? "middle" : "start", (String) kernels[i][1]);
    }
    return plot.svg;
}
