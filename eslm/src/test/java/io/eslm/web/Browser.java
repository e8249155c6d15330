// SPDX-License-Identifier: Apache-2.0
package io.eslm.web;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.WindowType;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.support.ui.WebDriverWait;

/**
 * A real browser for tests: Debian's chromium, without a screen and without the network. It starts once for all tests of the JVM,
 * and each gets a new tab, without cookies. Where it is not installed, {@link #open} skips the test with a loud line.
 */
public final class Browser implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration LOOK = Duration.ofMillis(20);
    /** Selenium warns about browsers newer than itself; kept here, or its level is forgotten. */
    private static final Logger SELENIUM = Logger.getLogger("org.openqa.selenium");

    static {
        SELENIUM.setLevel(Level.SEVERE);
    }

    /** A running one that no test has; null if there is none. */
    private static ChromeDriver idle;

    private final ChromeDriver driver;

    private Browser(ChromeDriver driver) {
        this.driver = driver;
    }

    /** A window of {@code width} × {@code height} CSS pixels; 390 × 844 is a phone. */
    public static Browser open(int width, int height) {
        return open(width, height, false);
    }

    /** {@link #open(int, int)}, in dark mode if {@code dark}. */
    public static Browser open(int width, int height, boolean dark) {
        ChromeDriver driver = take();
        // Headless windows are at least 500 wide; the page sees what the emulation says.
        driver.executeCdpCommand("Emulation.setDeviceMetricsOverride", Map.of("width", width, "height", height,
                "deviceScaleFactor", 1, "mobile", width < 600));
        driver.executeCdpCommand("Emulation.setEmulatedMedia", Map.of("features",
                List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
        return new Browser(driver);
    }

    private static synchronized ChromeDriver take() {
        ChromeDriver driver = idle == null ? start() : idle;
        idle = null;
        return driver;
    }

    private static synchronized void giveBack(ChromeDriver driver) {
        idle = driver;
    }

    private static ChromeDriver start() {
        Optional<Path> chromium = installed("chromium");
        Optional<Path> chromedriver = installed("chromedriver");
        if (chromium.isEmpty() || chromedriver.isEmpty()) {
            String why = "SKIPPED: no chromium and chromedriver, so pages are not tested in a browser;"
                    + " on Debian: apt-get install chromium chromium-driver";
            System.err.println(why);
            Assumptions.abort(why);
        }
        ChromeOptions options = new ChromeOptions();
        options.setBinary(chromium.get().toFile());
        options.addArguments("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars",
                "--force-device-scale-factor=1", "--window-size=1400,1000");
        ChromeDriverService service = new ChromeDriverService.Builder()
                .usingDriverExecutable(chromedriver.get().toFile()).usingAnyFreePort().build();
        ChromeDriver driver = new ChromeDriver(service, options);
        Runtime.getRuntime().addShutdownHook(new Thread(driver::quit));
        return driver;
    }

    private static Optional<Path> installed(String program) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator)).map(dir -> Path.of(dir, program))
                .filter(Files::isExecutable).findFirst();
    }

    /** Opens a file or an address. */
    public Browser go(URI address) {
        driver.get(address.toString());
        return this;
    }

    /** The element that {@code css} selects, when it is there. */
    public WebElement find(String css) {
        await("an element " + css, d -> !d.findElements(By.cssSelector(css)).isEmpty());
        return driver.findElement(By.cssSelector(css));
    }

    /** All elements that {@code css} selects now. */
    public List<WebElement> all(String css) {
        return driver.findElements(By.cssSelector(css));
    }

    /** The visible text of {@code css}. */
    public String text(String css) {
        return find(css).getText();
    }

    /** Waits until {@code state} holds. */
    public void await(String what, Predicate<ChromeDriver> state) {
        new WebDriverWait(driver, PATIENCE, LOOK).withMessage(what).until(_ -> state.test(driver));
    }

    /** The value of a JavaScript expression. */
    public Object eval(String expression, Object... arguments) {
        return driver.executeScript("return (" + expression + ")", arguments);
    }

    /** Moves the pointer to the element plus (x, y) CSS pixels from its top left corner. */
    public void hover(WebElement element, int x, int y) {
        var size = element.getSize();
        new Actions(driver).moveToElement(element, x - size.width / 2, y - size.height / 2).perform();
    }

    /** Presses keys, wherever the focus is. */
    public void press(Keys... keys) {
        new Actions(driver).sendKeys(keys).perform();
    }

    /** What the page wrote to the console as errors, refused loads and scripts included. */
    public List<String> errors() {
        return driver.manage().logs().get("browser").getAll().stream()
                .filter(e -> e.getLevel().intValue() >= Level.SEVERE.intValue())
                .map(Object::toString).toList();
    }

    /** Writes what the window shows as PNG. */
    public void screenshot(Path png) {
        try {
            Files.write(png, driver.getScreenshotAs(OutputType.BYTES));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The driver itself, for what is missing here. */
    public ChromeDriver driver() {
        return driver;
    }

    /** Leaves nothing of this test to the next one: no tab, no cookie, no message. */
    @Override
    public void close() {
        List<String> old = List.copyOf(driver.getWindowHandles());
        driver.executeCdpCommand("Network.clearBrowserCookies", Map.of());
        String fresh = driver.switchTo().newWindow(WindowType.TAB).getWindowHandle();
        for (String tab : old) {
            driver.switchTo().window(tab).close();
        }
        driver.switchTo().window(fresh);
        errors();
        giveBack(driver);
    }
}
