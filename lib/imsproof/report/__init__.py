"""Reports made from a finished run: one HTML file for people, JUnit for CI servers, Allure results."""
