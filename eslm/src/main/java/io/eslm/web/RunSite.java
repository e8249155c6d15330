// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.option.Option;
import io.eslm.report.Visible;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * The page of one or several runs: curves, layers, tokens, samples. Served while they train and afterwards, or written as one
 * file. What it shows comes from the files in their folders; training does not know of it, except for the buttons.
 */
public final class RunSite implements AutoCloseable {
    private static final Duration LOOK = Duration.ofMillis(250);
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final int LONGEST_COMMAND = 100;
    private static final List<String> STYLES = List.of(Page.UPLOT + "min.css", "plots.css", "run.css");
    private static final List<String> SCRIPTS = List.of(Page.UPLOT + "iife.min.js", "data.js", "colours.js",
            "charts.js", "heat.js", "window.js", "run.js");

    private final List<RunFeed> feeds;
    private final Optional<TrainingControl> control;
    private final EventHub hub = new EventHub();
    private final HttpSite site;
    /** A permit for each page that has fetched the last of an ended run. */
    private final Semaphore informed = new Semaphore(0);
    private final Thread watcher;

    private RunSite(List<Path> runs, boolean live, String host, Option<Integer> portOption, int port) {
        feeds = runs.stream().map(RunFeed::new).toList();
        control = live ? Optional.of(new TrainingControl(this::state)) : Optional.empty();
        if (!live) {
            feeds.forEach(RunFeed::check);
        }
        site = HttpSite.open(host, portOption, port).get("/", _ -> Reply.page(page(feeds, live, true, new JsonArray())))
                .get("/data", this::data).events("/events", hub).post("/control", this::tell);
        watcher = Thread.ofVirtual().name("run page").start(this::watch);
    }

    /**
     * Serves the page of a run that trains in this process. Its folder may be empty still.
     *
     * @throws io.eslm.gpt2.option.OptionError if it cannot serve there
     */
    public static RunSite live(Path run, String host, Option<Integer> portOption, int port) {
        return new RunSite(List.of(run), true, host, portOption, port);
    }

    /**
     * Serves the page of runs that other processes train, or that are finished.
     *
     * @throws io.eslm.tensor.UserError if a folder holds no run, or it cannot serve there
     */
    public static RunSite view(List<Path> runs, String host, int port) {
        return new RunSite(runs, false, host, HttpSite.PORT, port);
    }

    /** Writes the page of {@code runs} as they are now into one file that needs nothing else. */
    public static void write(List<Path> runs, Path file) {
        List<RunFeed> feeds = runs.stream().map(RunFeed::new).toList();
        JsonArray all = new JsonArray();
        for (RunFeed feed : feeds) {
            feed.check();
            JsonArray pieces = new JsonArray();
            JsonObject piece = feed.read("");
            pieces.add(piece);
            while (piece.get("more").getAsBoolean()) {
                piece = feed.read(piece.get("place").getAsString());
                pieces.add(piece);
            }
            all.add(pieces);
        }
        AtomicFiles.writeString(file, page(feeds, false, false, all).html());
    }

    private static Page page(List<RunFeed> feeds, boolean controls, boolean served, JsonArray data) {
        JsonObject o = new JsonObject();
        JsonArray names = new JsonArray();
        feeds.forEach(feed -> names.add(feed.name()));
        o.add("runs", names);
        o.addProperty("controls", controls);
        o.addProperty("served", served);
        o.add("data", data);
        String title = feeds.size() == 1 ? feeds.getFirst().name() : feeds.size() + " runs";
        return Page.of(title + " · ESLM", Page.resource("run.html"), o, STYLES, SCRIPTS);
    }

    /** The address with the token. */
    public URI address() {
        return site.address();
    }

    /** True if other machines can reach it. */
    public boolean isPublic() {
        return site.isPublic();
    }

    /** The buttons of a live page. */
    public TrainingControl control() {
        return control.orElseThrow();
    }

    private Reply data(Request request) {
        String run = request.query("run").orElse("");
        if (!run.matches("\\d{1,6}") || Integer.parseInt(run) >= feeds.size()) {
            return Reply.text(404, "There is no such run.");
        }
        boolean ended = control.filter(c -> c.state() == TrainingControl.State.ENDED).isPresent();
        JsonObject o = feeds.get(Integer.parseInt(run)).read(request.query("place").orElse(""));
        control.ifPresent(c -> o.add("state", stateOf(c)));
        if (ended && !o.get("more").getAsBoolean()) {
            informed.release();
        }
        return Reply.json(Json.line(o));
    }

    private Reply tell(Request request) throws IOException {
        String wanted = request.body(LONGEST_COMMAND);
        Optional<TrainingControl.Command> command = Arrays.stream(TrainingControl.Command.values())
                .filter(c -> c.toString().equals(wanted)).findFirst();
        if (control.isEmpty() || command.isEmpty()) {
            return Reply.text(400, "There is no such button.");
        }
        control.get().tell(command.get());
        return Reply.json(Json.line(stateOf(control.get())));
    }

    private static JsonObject stateOf(TrainingControl control) {
        JsonObject o = new JsonObject();
        synchronized (control) { // all of one moment
            o.addProperty("version", control.version());
            o.addProperty("state", control.state().toString());
            o.addProperty("pauses", control.pauses());
            o.addProperty("message", Visible.line(control.message()));
        }
        return o;
    }

    private void state() {
        control.ifPresent(c -> hub.publish("state", Json.line(stateOf(c))));
    }

    /** Looks at the files now and then, and tells pages which run has grown. */
    private void watch() {
        String[] stamps = new String[feeds.size()];
        try {
            while (true) {
                for (int i = 0; i < stamps.length; i++) {
                    String now = stamp(feeds.get(i));
                    if (!now.equals(stamps[i])) {
                        stamps[i] = now;
                        hub.publish("grew", "{\"run\":" + i + "}");
                    }
                }
                Thread.sleep(LOOK);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt(); // closed
        }
    }

    private static String stamp(RunFeed feed) {
        try {
            return feed.stamp();
        } catch (UncheckedIOException e) {
            return String.valueOf(e.getMessage()); // the page says why when it reads
        }
    }

    /**
     * The run is over: tells the pages, and leaves them a few seconds to fetch the last of it.
     *
     * @param why a sentence about it
     */
    public void end(String why) {
        control().end(why);
        int pages = hub.clients();
        hub.publish("end", "{}");
        try {
            boolean _ = informed.tryAcquire(pages, PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        watcher.interrupt();
        site.close();
    }
}
