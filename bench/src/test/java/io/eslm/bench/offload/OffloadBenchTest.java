// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.harrel.jsonschema.Validator;
import dev.harrel.jsonschema.ValidatorFactory;
import dev.harrel.jsonschema.providers.GsonNode;
import io.eslm.bench.Chromium;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import picocli.CommandLine;

/** The whole benchmark, small: what it prints, its file, its page. */
@ResourceLock(Resources.SYSTEM_OUT)
class OffloadBenchTest {
    @TempDir
    private static Path dir;
    private static Path json;
    private static Path html;
    private static String text;

    @BeforeAll
    static void measure() {
        json = dir.resolve("mine.json");
        html = dir.resolve("mine.html");
        text = run("--quick", "--step", "1x16", "--tokens", "8", "--threads", "2", "--json", json.toString(), "--html",
                html.toString());
    }

    private static String run(String... arguments) {
        PrintStream before = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            assertEquals(0, new CommandLine(new OffloadBench()).execute(arguments));
        } finally {
            System.setOut(before);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private static UserError refused(String... arguments) {
        OffloadBench bench = new OffloadBench();
        new CommandLine(bench).parseArgs(arguments);
        return assertThrows(UserError.class, bench::call);
    }

    // ---- text

    @Test
    void agreementComesBeforeTimesAndWhatIsMissingBeforeBoth() {
        int missing = text.indexOf("missing  TornadoVM    this build lacks its module. Install the TornadoVM SDK");
        int agreement = text.indexOf("Agreement: ");
        int times = text.indexOf("Times; * the fastest");
        assertTrue(missing > 0 || text.contains("found    TornadoVM"), text);
        assertTrue(missing < agreement && agreement < times, text);
        for (String thing : List.of("OpenCL", "GPU", "cuBLAS", "ND4J", "DJL", "energy ")) {
            assertTrue(text.contains(thing), thing);
        }
        for (String engine : List.of("scalar", "vector 1", "vector 2")) {
            assertTrue(text.contains(engine), engine);
        }
        assertTrue(text.contains("What moving a kernel from "), text);
        assertTrue(text.matches("(?s)eslm \\S+, commit .*other programs used.*"), text);
    }

    @Test
    void withoutAFileTheFiguresAreTheOnlyOutput() {
        String out = run("--quick", "--only", "fill", "--step", "none", "--engines", "scalar", "--json");
        assertEquals(1, out.lines().count(), out);
        JsonObject all = Json.parse(out);
        assertEquals(1, all.getAsJsonArray("engines").size(), "the one that was asked for");
        assertTrue(all.get("step").isJsonNull());
        assertEquals("fill one", all.getAsJsonArray("cells").get(0).getAsJsonObject().get("kernel").getAsString());
    }

    @Test
    void badInputIsRefusedBeforeAnythingRuns() throws IOException {
        assertEquals("--largest 7: must be from 1024 to 268435456", refused("--largest", "7").getMessage());
        assertEquals("--threads -1: must be 0 (all cores) or more", refused("--threads", "-1").getMessage());
        assertTrue(refused("--only", "gleu").getMessage().startsWith("--only gleu: no kernel's name contains this"));
        assertTrue(refused("--step", "gpt3").getMessage().contains("gpt3"));
        assertTrue(refused("--json", dir.resolve("none/mine.json").toString()).getMessage().contains("none"));
        assertTrue(refused("--engines", "scalar,abacus").getMessage().startsWith("--engines abacus: there is none"));
        Path other = Files.writeString(dir.resolve("other.json"), "{\"format\":\"notes\"}");
        assertEquals(other + ": is not a measurement of 'bench offload': it has no \"format\": \"eslm-offload\". "
                + "Write one with --json FILE", refused("--against", other.toString()).getMessage());
        Path later = Files.writeString(dir.resolve("later.json"), "{\"format\":\"eslm-offload\",\"version\":2}");
        assertTrue(refused("--against", later.toString()).getMessage().contains("reads version 1"));
    }

    // ---- the file

    private static List<String> faults(JsonElement document) throws IOException {
        try (InputStream in = OffloadBench.class.getResourceAsStream("offload.schema.json")) {
            String schema = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            Validator.Result result = new ValidatorFactory().withJsonNodeFactory(new GsonNode.Factory())
                    .validate(schema, document.toString());
            return result.isValid() ? List.of()
                    : result.getErrors().stream().map(e -> e.getInstanceLocation() + ": " + e.getError()).toList();
        }
    }

    @Test
    void theFileKeepsItsSchema() throws IOException {
        JsonObject document = Json.read(json).object();
        assertEquals(List.of(), faults(document));
        JsonObject broken = document.deepCopy();
        broken.getAsJsonArray("cells").get(3).getAsJsonObject().getAsJsonObject("seconds").addProperty("mean", "fast");
        assertFalse(faults(broken).isEmpty(), "the schema refuses a text for a time");
        broken.remove("engines");
        assertFalse(faults(broken).isEmpty());
    }

    @Test
    void everyKernelHasATimeForEverySizeAndEngine() {
        JsonArray cells = Json.read(json).object().getAsJsonArray("cells");
        long engines = Json.read(json).children("engines").stream()
                .filter(e -> List.of("scalar", "vector 1", "vector 2").contains(e.required("name", String.class)))
                .count();
        long ours = cells.asList().stream()
                .filter(c -> c.getAsJsonObject().get("engine").getAsString().matches("scalar|vector \\d+")).count();
        assertEquals(3, engines);
        assertTrue(ours + Json.read(json).list("skipped", String.class).size() >= OffloadCase.ALL_CASES.size() * 2L * 3,
                ours
                        + " cells");
    }

    // ---- an earlier file

    /** The measurement with all times of one engine multiplied. */
    private static Path changed(String name, String engine, double factor) throws IOException {
        JsonObject document = Json.read(json).object().deepCopy();
        for (JsonElement e : document.getAsJsonArray("cells")) {
            JsonObject cell = e.getAsJsonObject();
            JsonObject seconds = cell.getAsJsonObject("seconds");
            double by = cell.get("engine").getAsString().equals(engine) ? factor : 1;
            double mean = seconds.get("mean").getAsDouble();
            seconds.addProperty("mean", mean * by);
            seconds.addProperty("low", mean * by * 0.9);
            seconds.addProperty("high", mean * by * 1.2);
        }
        return Files.writeString(dir.resolve(name), Json.pretty(document));
    }

    private static Measurement measurement(double margin) {
        List<Cell> cells = new ArrayList<>();
        for (Json cell : Json.read(json).children("cells")) {
            double mean = OffloadJson.estimate(cell.child("seconds")).mean();
            cells.add(new Cell(cell.required("kernel", String.class), cell.required("side", Integer.class),
                    cell.required("engine", String.class),
                    new Estimate(mean, mean * (1 - margin), mean * (1 + margin), mean, 10),
                    null, Double.NaN, 1, 1, 0, Double.NaN));
        }
        return new Measurement(Json.read(json).child("provenance").object(), 0, Rules.QUICK, List.of(), List.of(), "",
                List.of(), cells, List.of(), null);
    }

    @Test
    void onlyWhatIsOutsideBothIntervalsChanged() throws IOException {
        Against same = Against.of(measurement(0.1), Against.Earlier.read(changed("same.json", "scalar", 1)));
        assertEquals(List.of(), same.changes());
        assertFalse(same.elsewhere());
        Against against = Against.of(measurement(0.1), Against.Earlier.read(changed("slower.json", "scalar", 2)));
        assertEquals(measurement(0).cells().stream().filter(c -> c.engine().equals("scalar")).count(),
                against.changes().size());
        assertEquals(measurement(0).cells().size(), against.compared());
        Against.Change change = against.changes().getFirst();
        assertTrue(change.isFaster() && change.engine().equals("scalar"), change.toString());
        assertEquals(0.5, change.ratio(), 1e-12);
        assertEquals(0.9 / 2.4, change.low(), 1e-12);
        assertEquals(1.1 / 1.8, change.high(), 1e-12);
        assertTrue(OffloadTables.against(against, true).text().contains("scalar"));
        assertFalse(OffloadTables.against(against, false).text().contains("scalar"));
        Against near = Against.of(measurement(0.1), Against.Earlier.read(changed("near.json", "scalar", 1.2)));
        assertEquals(List.of(), near.changes(), "1.1 is above 1.2 · 0.9: the intervals overlap");
    }

    @Test
    void aFileOfAnotherOriginEndsInASentenceWhateverIsWrong() throws IOException {
        JsonObject document = new JsonObject();
        for (String field : List.of("format", "version", "provenance")) {
            document.add(field, Json.read(json).object().get(field).deepCopy());
        }
        JsonArray one = new JsonArray();
        one.add(Json.read(json).object().getAsJsonArray("cells").get(0));
        document.add("cells", one);
        Measurement now = measurement(0.1);
        for (JsonElement wrong : List.of(JsonNull.INSTANCE, new JsonPrimitive("x"), new JsonPrimitive(-1),
                new JsonArray(),
                new JsonObject())) {
            damage(document, document, wrong, now);
        }
    }

    /** Replaces each field in turn; what then reads the file either can or says what is wrong. */
    private static void damage(JsonObject document, JsonElement part, JsonElement wrong, Measurement now)
            throws IOException {
        if (part instanceof JsonArray array) {
            for (JsonElement e : array) {
                damage(document, e, wrong, now);
            }
        } else if (part instanceof JsonObject object) {
            for (String field : List.copyOf(object.keySet())) {
                JsonElement right = object.get(field);
                damage(document, right, wrong, now);
                object.add(field, wrong);
                Path file = Files.writeString(dir.resolve("damaged.json"), Json.line(document));
                try {
                    Against.of(now, Against.Earlier.read(file));
                } catch (UserError e) {
                    assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
                }
                object.add(field, right);
            }
        }
    }

    // ---- the page

    @Test
    void thePageShowsCurvesRooflineAndTablesOnAPhoneInTheDark() {
        ChromeDriver browser = Chromium.start();
        try {
            Chromium.resize(browser, 1300, 900, false);
            browser.get(html.toUri().toString());
            List<WebElement> plots = browser.findElements(By.cssSelector("#charts .plot canvas"));
            assertEquals(OffloadCase.ALL_CASES.size(), plots.size());
            WebElement roofline = browser.findElement(By.cssSelector("#roofline .plot"));
            assertTrue(Integer.parseInt(roofline.getDomAttribute("data-points")) > 50, "points of the roofline");
            WebElement first = browser.findElement(By.cssSelector("#charts .plot"));
            assertTrue(Integer.parseInt(first.getDomAttribute("data-curves")) >= 3);
            first.sendKeys(Keys.ARROW_RIGHT);
            assertEquals("32", browser.findElement(By.cssSelector("#charts .u-legend .u-value")).getText(),
                    "an arrow reads the smallest size");
            browser.findElement(By.cssSelector("#engines input[value=scalar]")).click();
            assertEquals(Integer.parseInt(first.getDomAttribute("data-curves")),
                    browser.findElements(By.cssSelector("#charts figure:first-child .u-legend tr")).size() - 1);
            browser.findElement(By.cssSelector("#kernel option:nth-child(3)")).click();
            assertEquals(1, browser.findElements(By.cssSelector("#charts figure:not([hidden])")).size());
            browser.findElement(By.cssSelector("#figure option[value=share]")).click();
            browser.findElement(By.cssSelector("#sizes option[value=all]")).click();
            Chromium.resize(browser, 390, 844, true);
            browser.get(html.toUri().toString());
            assertTrue(
                    ((Number) browser.executeScript("return document.documentElement.scrollWidth")).intValue() <= 390,
                    "no scrolling sideways");
            assertEquals("rgb(21, 23, 27)",
                    browser.executeScript("return getComputedStyle(document.body).backgroundColor"));
            assertEquals(List.of(), Chromium.errors(browser));
        } finally {
            browser.quit();
        }
    }

    @Test
    void thePageLoadsNothing() throws IOException {
        String page = Files.readString(html);
        assertFalse(page.matches("(?s).*(src|href)=['\"]?https?:.*"));
        assertTrue(page.contains("default-src 'none'"));
    }
}
